// What is rotated while the service runs: a token in the kubeconfig, a mounted token, the API server's certificate with its authority. Against a real
// HTTP server; certificates are made by openssl.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { stringify } from 'yaml'
import { createConnection } from '../../src/cluster/connection.ts'
import { createReload, readKubeConfig } from '../../src/cluster/kubeconfig.ts'
import { clientOn } from './client-on.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-rotation-'))
const file = (name: string): string => join(folder, name)
const closers: (() => unknown)[] = []
after(async () => {
  for (const close of closers) await close()
  rmSync(folder, { recursive: true, force: true })
})

const get = { verb: 'get', resource: 'jobs', path: '/x' } as const

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function writeKubeconfig(path: string, cluster: object, user: object): void {
  writeFileSync(
    path,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'c',
    }),
  )
}

/** A client as the service has it, with monotonic time moved by hand. */
function connect(path: string) {
  const time = { ms: 0 }
  const source = { kind: 'file', path } as const
  const { kubeConfig } = readKubeConfig(source)
  const connection = createConnection(
    { kubeConfig, reload: createReload(source, kubeConfig), elapsedMs: () => time.ms },
    { connections: 2, connectTimeoutMs: 2_000, watchIdleMs: 1_000 },
  )
  closers.push(() => connection.close())
  return {
    time,
    client: clientOn(connection),
  }
}

/** Accepts one token at a time. */
async function guarded(): Promise<{ server: string; accept: (token: string) => void }> {
  let accepted = 'first'
  const answer: RequestListener = ({ headers }, response) =>
    void response.writeHead(headers.authorization === `Bearer ${accepted}` ? 200 : 401, { 'content-type': 'application/json' }).end('{}')
  const server = `http://127.0.0.1:${await listen(createServer(answer))}`
  return {
    server,
    accept(token) {
      accepted = token
    },
  }
}

test('a token that is replaced in the kubeconfig is used by the very request that the old one is refused for', async () => {
  const { server, accept } = await guarded()
  const path = file('token.kubeconfig')
  writeKubeconfig(path, { server }, { token: 'first' })
  const { client } = connect(path)
  assert.ok((await client.send(get)).ok)
  accept('second')
  writeKubeconfig(path, { server }, { token: 'second' })
  assert.ok((await client.send(get)).ok)
})

test('a mounted token that has expired is read again when it is refused, a trailing line break and all', async () => {
  const { server, accept } = await guarded()
  const path = file('mounted.kubeconfig')
  writeFileSync(file('token'), 'first\n')
  writeKubeconfig(path, { server }, { 'auth-provider': { name: 'tokenFile', config: { tokenFile: file('token') } } })
  const { client, time } = connect(path)
  assert.ok((await client.send(get)).ok)
  accept('second')
  time.ms += 2_000
  assert.ok(!(await client.send(get)).ok, 'nobody has rotated it yet')
  writeFileSync(file('token'), 'second\n')
  time.ms += 2_000
  assert.ok((await client.send(get)).ok)
})

test('a kubeconfig that is half written, or gone, leaves what was there in use', async () => {
  const { server } = await guarded()
  const path = file('broken.kubeconfig')
  writeKubeconfig(path, { server }, { token: 'first' })
  const { client, time } = connect(path)
  for (const spoil of [() => writeFileSync(path, 'clusters: [{name: c, clus'), () => rmSync(path)]) {
    spoil()
    time.ms += 10_000
    assert.ok((await client.send(get)).ok)
  }
})

const hasOpenssl = (() => {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()
const skip = hasOpenssl ? false : 'there is no openssl on this machine to make certificates with'

/** A certificate that is its own authority, as an API server makes it for itself. */
function issue(name: string): { cert: Buffer; key: Buffer } {
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
  const subject = ['-subj', '/CN=kubernetes', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2', '-out', `${name}.crt`]
  execFileSync('openssl', ['req', '-x509', ...key, ...subject], { cwd: folder, stdio: 'pipe' })
  return { cert: readFileSync(file(`${name}.crt`)), key: readFileSync(file(`${name}.key`)) }
}

for (const how of ['in the kubeconfig', 'in a file of its own'] as const) {
  test(`a new authority ${how} is trusted within seconds, an authority that is not there never`, { skip }, async () => {
    const [old, next] = [issue('old'), issue('new')]
    const server = createTlsServer(old, (_request, response) => void response.setHeader('content-type', 'application/json').end('{}'))
    const origin = `https://127.0.0.1:${await listen(server)}`
    const path = file('ca.kubeconfig')
    const write = (authority: Buffer): void => {
      writeFileSync(file('ca.crt'), authority)
      const where =
        how === 'in the kubeconfig' ? { 'certificate-authority-data': authority.toString('base64') } : { 'certificate-authority': 'ca.crt' }
      writeKubeconfig(path, { server: origin, ...where }, { token: 'any' })
    }
    write(old.cert)
    const { client, time } = connect(path)
    assert.ok((await client.send(get)).ok)
    server.setSecureContext(next)
    server.closeAllConnections()
    time.ms += 10_000
    const refused = await client.send(get)
    assert.ok(!refused.ok)
    assert.match(refused.error.message, /certificate/)
    write(next.cert)
    time.ms += 5_000
    assert.ok((await client.send(get)).ok)
  })
}
