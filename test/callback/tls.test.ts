// Callbacks over https: an authority of one's own, a client certificate, and their renewal without a restart. Certificates are made by openssl.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { request } from 'undici'
import { createTransport, type TlsFiles, type Transport } from '../../src/callback/transport.ts'
import { type Certificates, makeCertificates, noCertificates } from '../support/certificates.ts'

const skip = noCertificates
let certificates: Certificates
const file = (name: string): string => certificates.file(name)
const transports: Transport[] = []
const server = createServer()
/** Who each request came from: the common name of its client certificate, null without one. */
const callers: (string | null)[] = []

before(async () => {
  if (skip) return
  certificates = makeCertificates()
  const { issue } = certificates
  issue('server', 'control.example', 'subjectAltName=DNS:control.example,IP:127.0.0.1')
  issue('first', 'jobhook-first', 'extendedKeyUsage=clientAuth')
  issue('second', 'jobhook-second', 'extendedKeyUsage=clientAuth')
  server.setSecureContext({
    cert: readFileSync(file('server.crt')),
    key: readFileSync(file('server.key')),
    ca: readFileSync(file('ca.crt')),
  })
  Object.assign(server, { requestCert: true, rejectUnauthorized: false })
  server.on('request', (incoming, response) => {
    const socket = incoming.socket as TLSSocket
    const subject = socket.authorized ? socket.getPeerCertificate().subject : null
    callers.push(subject ? String(subject.CN) : null)
    response.setHeader('connection', 'close').end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
after(async () => {
  for (const transport of transports) await transport.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  certificates?.remove()
})

function transport(tls: Partial<TlsFiles>): Transport {
  const made = createTransport({
    connections: 2,
    connectTimeoutMs: 5_000,
    tls: { caFile: null, certFile: null, keyFile: null, ...tls },
    proxy: null,
    allowPrivate: true,
    lookup: async () => ['127.0.0.1'],
  })
  transports.push(made)
  return made
}

async function call(dispatcher: Transport['trusted'], host = '127.0.0.1'): Promise<string | null | undefined> {
  const { body } = await request(`https://${host}:${(server.address() as AddressInfo).port}/`, { method: 'POST', dispatcher })
  await body.dump()
  return callers.at(-1)
}

test('an authority of one’s own is trusted when it is configured, and not otherwise', { skip }, async () => {
  await assert.rejects(call(transport({}).trusted), /self-signed certificate|unable to (get local issuer|verify the first) certificate/)
  const { trusted, guarded } = transport({ caFile: file('ca.crt') })
  assert.equal(await call(trusted), null)
  assert.equal(await call(guarded), null)
})

test('the certificate must be the host’s, although the connection goes to an address', { skip }, async () => {
  const { trusted, guarded } = transport({ caFile: file('ca.crt') })
  for (const dispatcher of [trusted, guarded]) {
    assert.equal(await call(dispatcher, 'control.example'), null)
    await assert.rejects(call(dispatcher, 'other.example'), /does not match certificate/)
  }
})

test('the client certificate is shown to the configured URL only, and a renewed one without a restart', { skip }, async () => {
  certificates.replace('client', 'first')
  const { trusted, guarded } = transport({ caFile: file('ca.crt'), certFile: file('client.crt'), keyFile: file('client.key') })
  assert.equal(await call(trusted), 'jobhook-first')
  assert.equal(await call(guarded), null)
  certificates.replace('client', 'second')
  assert.equal(await call(trusted), 'jobhook-second')
})

test('a file that has gone is a failed attempt with that cause, not the end of the service', { skip }, async () => {
  copyFileSync(file('ca.crt'), file('gone.crt'))
  const { trusted } = transport({ caFile: file('gone.crt') })
  rmSync(file('gone.crt'))
  await assert.rejects(call(trusted), /ENOENT/)
})
