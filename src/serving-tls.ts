// TLS of the HTTP service itself: reads certificate and key, and follows their renewal. Connections that exist go on with the certificate they
// began with; new ones get the new one. Not for: callbacks (callback/transport.ts).
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions, type Server } from 'node:tls'
import { type Clock, sleep } from './lib/clock.ts'
import { describeError, type Logger } from './lib/log.ts'
import type { Metrics } from './lib/metrics.ts'

/** Paths of PEM files. */
export interface ServingTls {
  certFile: string
  keyFile: string
  /** Clients must show a certificate of these authorities; null: they need none. */
  clientCaFile: string | null
  minVersion: 'TLSv1.2' | 'TLSv1.3'
}

/** The files are read this often rather than watched: a mounted Secret changes by a swapped link, which watching misses. */
const LOOK_EVERY_MS = 10_000

/** Throws when a file cannot be read, or key and certificate do not belong together. */
export function readServingTls({ certFile, keyFile, clientCaFile, minVersion }: ServingTls): SecureContextOptions & { cert: string } {
  const read = (file: string): string => readFileSync(file, 'utf8')
  const tls = {
    cert: read(certFile),
    key: read(keyFile),
    minVersion,
    ...(clientCaFile === null ? {} : { ca: read(clientCaFile) }),
  }
  createSecureContext(tls)
  return tls
}

/** Until `signal`: takes over what has changed. Half a renewal, or a broken one, leaves what is served as it is and is told once. */
export function followServingTls(
  deps: { clock: Clock; log: Logger; metrics: Pick<Metrics, 'tlsExpires' | 'tlsReloads'> },
  server: Pick<Server, 'setSecureContext'>,
  files: ServingTls,
  first: SecureContextOptions & { cert: string },
  signal: AbortSignal,
): void {
  const { clock, log, metrics } = deps
  let served = JSON.stringify(first)
  let toldProblem: string | null = null
  metrics.tlsExpires.set(expiresSeconds(first.cert))
  void follow()

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await sleep(clock, LOOK_EVERY_MS, signal).catch(() => {})
      if (!signal.aborted) look()
    }
  }

  function look(): void {
    try {
      const tls = readServingTls(files)
      const text = JSON.stringify(tls)
      toldProblem = null
      if (text === served) return
      server.setSecureContext(tls)
      served = text
      metrics.tlsExpires.set(expiresSeconds(tls.cert))
      metrics.tlsReloads.inc({ result: 'ok' })
      log.info({ expires: new X509Certificate(tls.cert).validTo }, 'the certificate was renewed; new connections get it')
    } catch (error) {
      const problem = describeError(error)
      if (problem === toldProblem) return
      toldProblem = problem
      metrics.tlsReloads.inc({ result: 'failed' })
      log.error({ cause: problem }, 'the changed certificate or key cannot be used: still serving the one before; looking again every 10 s')
    }
  }
}

function expiresSeconds(cert: string): number {
  return Math.floor(new X509Certificate(cert).validToDate.getTime() / 1000)
}
