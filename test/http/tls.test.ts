// TLS of the service itself: renewed while it serves, without a dropped connection; client certificates; old versions refused.
import assert from 'node:assert/strict'
import { copyFileSync, writeFileSync } from 'node:fs'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { type ConnectionOptions, connect, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { App } from '../../src/lib/http.ts'
import { createLog } from '../../src/lib/log.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { followServingTls, readServingTls, type ServingTls } from '../../src/serving-tls.ts'
import { manualClock } from '../intake/parts.ts'
import { type Certificates, makeCertificates, noCertificates } from '../support/certificates.ts'
import { bareServer } from './bare.ts'

const skip = noCertificates
let certificates: Certificates
const apps: App[] = []

before(() => {
  if (skip) return
  certificates = makeCertificates()
  for (const name of ['first', 'second']) certificates.issue(name, `server ${name}`, 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  certificates.issue('client', 'some client', 'extendedKeyUsage=clientAuth')
})
after(async () => {
  for (const app of apps) await app.close()
  certificates?.remove()
})

async function start(more: Partial<ServingTls> = {}) {
  const files: ServingTls = {
    certFile: certificates.file('served.crt'),
    keyFile: certificates.file('served.key'),
    clientCaFile: null,
    minVersion: 'TLSv1.2',
    ...more,
  }
  certificates.replace('served', 'first')
  const metrics = createMetrics()
  const tls = readServingTls(files)
  const app = bareServer({ tls, clientCertificates: files.clientCaFile !== null }, metrics)
  app.get('/open', async () => ({}))
  app.get('/health', { config: { uncapped: true } }, async () => ({}))
  apps.push(app)
  const clock = manualClock()
  const lines: string[] = []
  const log = createLog({ level: 'info', workerId: 'tls', destination: { write: (line) => void lines.push(line) } })
  const stop = new AbortController()
  followServingTls({ clock, log, metrics }, app.server as unknown as TlsServer, files, tls, stop.signal)
  app.addHook('preClose', async () => stop.abort())
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  /** Lets the service look at its files. */
  const look = (): Promise<void> => clock.advance(10_000)
  return { port, look, lines, metrics }
}

interface Seen {
  status: number
  commonName: string
  /** Of the connection: the same for two requests on one. */
  localPort: number
}

function get(port: number, path: string, options: ConnectionOptions & { agent?: HttpsAgent } = {}): Promise<Seen> {
  return new Promise((resolve, reject) => {
    const asked = httpsRequest(
      { host: '127.0.0.1', port, path, ca: certificates.read('ca.crt'), agent: options.agent ?? new HttpsAgent(), ...options },
      (answer) => {
        const socket = answer.socket as TLSSocket
        const seen = {
          status: answer.statusCode ?? 0,
          commonName: String(socket.getPeerCertificate().subject.CN),
          localPort: socket.localPort ?? 0,
        }
        answer.resume().once('end', () => resolve(seen))
      },
    )
    asked.once('error', reject).end()
  })
}

test('a renewed certificate is taken over while it serves; a connection that exists goes on', { skip }, async () => {
  const { port, look, lines, metrics } = await start()
  const agent = new HttpsAgent({ keepAlive: true, maxSockets: 1 })
  const before = await get(port, '/open', { agent })
  assert.deepEqual([before.status, before.commonName], [200, 'server first'])
  certificates.replace('served', 'second')
  await look()
  assert.equal((await get(port, '/open')).commonName, 'server second')
  assert.equal((await get(port, '/open', { agent })).localPort, before.localPort, 'the connection from before is still there')
  assert.match(lines.join(''), /the certificate was renewed/)
  assert.match(
    await metrics.registry.metrics(),
    /jobhook_tls_reloads_total\{result="ok"\} 1[\s\S]*|jobhook_tls_certificate_expires_seconds 1\d{9}/,
  )
  agent.destroy()
})

test('half a renewal and a broken file leave what is served; told once, taken over when whole', { skip }, async () => {
  const { port, look, lines } = await start()
  copyFileSync(certificates.file('second.crt'), certificates.file('served.crt'))
  await look()
  await look()
  assert.equal((await get(port, '/open')).commonName, 'server first')
  writeFileSync(certificates.file('served.key'), 'not a key')
  await look()
  assert.equal((await get(port, '/open')).commonName, 'server first')
  const told = lines.filter((line) => line.includes('cannot be used'))
  assert.equal(told.length, 2, lines.join(''))
  assert.ok(!lines.join('').includes('not a key') && !lines.join('').includes('PRIVATE'))
  certificates.replace('served', 'second')
  await look()
  assert.equal((await get(port, '/open')).commonName, 'server second')
})

test('with an authority for clients only health is answered without a certificate of theirs', { skip }, async () => {
  const { port } = await start({ clientCaFile: certificates.file('ca.crt') })
  const own = { cert: certificates.read('client.crt'), key: certificates.read('client.key') }
  assert.equal((await get(port, '/open', own)).status, 200)
  assert.equal((await get(port, '/open')).status, 401)
  assert.equal((await get(port, '/health')).status, 200)
  const stranger = makeCertificates()
  const foreign = { cert: stranger.read('ca.crt'), key: stranger.read('ca.key') }
  assert.equal((await get(port, '/open', foreign)).status, 401)
  stranger.remove()
})

const versions = [
  ['TLSv1.2', 'TLSv1.1', false],
  ['TLSv1.2', 'TLSv1.2', true],
  ['TLSv1.3', 'TLSv1.2', false],
  ['TLSv1.3', 'TLSv1.3', true],
] as const
for (const [minVersion, spoken, accepted] of versions) {
  test(`min_version ${minVersion}: a client that speaks ${spoken} is ${accepted ? 'served' : 'refused'}, before and after a renewal`, {
    skip,
  }, async () => {
    const { port, look } = await start({ minVersion })
    for (const renewed of [false, true]) {
      if (renewed) certificates.replace('served', 'second')
      if (renewed) await look()
      // Old versions need ciphers that OpenSSL allows at no security level but 0.
      const options = { ca: certificates.read('ca.crt'), minVersion: spoken, maxVersion: spoken, ciphers: 'DEFAULT@SECLEVEL=0' } as const
      const connected = await new Promise<boolean>((resolve) => {
        const socket = connect({ host: '127.0.0.1', port, ...options }, () => resolve(true))
        socket
          .once('error', () => resolve(false))
          .once('close', () => resolve(false))
          .once('secureConnect', () => socket.end())
      })
      assert.equal(connected, accepted)
    }
  })
}

test('plain HTTP on the TLS port gets no answer and does no harm', { skip }, async () => {
  const { port } = await start()
  await assert.rejects(fetch(`http://127.0.0.1:${port}/open`))
  assert.equal((await get(port, '/open')).status, 200)
})
