// A plain kubeconfig is read without the official client, and says the same: that client is the oracle. What is not plain is left to it.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { KubeConfig } from '@kubernetes/client-node'
import { stringify } from 'yaml'
import { readPlainKubeConfig } from '../../src/cluster/plain-kubeconfig.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-kubeconfig-'))
after(() => rmSync(folder, { recursive: true }))

function write(cluster: object, user: object, context: object = {}): string {
  const path = join(folder, 'config')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'c', cluster }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', ...context } }],
    'current-context': 'x',
  }
  writeFileSync(path, stringify(config))
  return path
}

const data = (text: string): string => Buffer.from(text).toString('base64')
const SERVER = { server: 'https://127.0.0.1:6443', 'certificate-authority-data': data('the CA') }

test('token, certificates, files and names are what the official client makes of them', async () => {
  for (const name of ['ca.pem', 'cert.pem', 'key.pem', 'token']) writeFileSync(join(folder, name), `content of ${name}`)
  const rows: [name: string, cluster: object, user: object, context?: object][] = [
    ['token', SERVER, { token: 'a token' }, { namespace: 'agents' }],
    ['certificate', SERVER, { 'client-certificate-data': data('cert'), 'client-key-data': data('key') }],
    [
      'files beside the kubeconfig',
      { server: 'https://[::1]:6443', 'certificate-authority': 'ca.pem' },
      { 'client-certificate': 'cert.pem', 'client-key': join(folder, 'key.pem') },
    ],
    ['another server name', { ...SERVER, 'tls-server-name': 'kubernetes' }, { token: 't' }],
    ['no verification', { server: 'https://127.0.0.1:6443', 'insecure-skip-tls-verify': true }, { token: 't' }],
    ['a path in the URL', { ...SERVER, server: 'https://proxy.example/k8s/clusters/c-1' }, { token: 't' }],
  ]
  for (const [name, cluster, user, context] of rows) {
    const path = write(cluster, user, context)
    const oracle = new KubeConfig()
    oracle.loadFromFile(path)
    const plain = readPlainKubeConfig({ kind: 'file', path })
    assert.ok(plain, name)
    assert.equal(plain.kubeConfig.getCurrentCluster()?.server, oracle.getCurrentCluster()?.server, name)
    assert.equal(plain.namespace, oracle.getContextObject('x')?.namespace ?? null, name)
    assert.deepEqual(await applied(plain.kubeConfig), await applied(oracle), name)
  }
})

test('a token file is read again each time: it is replaced while we run', async () => {
  const path = write(SERVER, { tokenFile: 'token' })
  const plain = readPlainKubeConfig({ kind: 'file', path })
  for (const token of ['first', 'second']) {
    writeFileSync(join(folder, 'token'), `${token}\n`)
    assert.equal((await applied(plain?.kubeConfig)).authorization, `Bearer ${token}`)
  }
})

test('what has to be understood is left to the official client', () => {
  const token = { token: 't' }
  const rows: [name: string, cluster: object, user: object][] = [
    ['exec', SERVER, { exec: { command: 'aws', apiVersion: 'client.authentication.k8s.io/v1' } }],
    ['auth provider', SERVER, { 'auth-provider': { name: 'oidc' } }],
    ['password', SERVER, { username: 'a', password: 'b' }],
    ['impersonation', SERVER, { ...token, as: 'other' }],
    ['proxy', { ...SERVER, 'proxy-url': 'http://proxy.example' }, token],
    ['a file that is missing', { server: SERVER.server, 'certificate-authority': 'missing.pem' }, token],
    ['no server', { 'certificate-authority-data': data('the CA') }, token],
  ]
  for (const [name, cluster, user] of rows) assert.equal(readPlainKubeConfig({ kind: 'file', path: write(cluster, user) }), null, name)
  const other = write(SERVER, token)
  assert.equal(readPlainKubeConfig({ kind: 'text', text: 'apiVersion: v1\nkind: Config\n' }), null)
  assert.equal(readPlainKubeConfig({ kind: 'text', text: '{' }), null)
  assert.equal(readPlainKubeConfig({ kind: 'file', path: join(folder, 'missing') }), null)
  assert.ok(readPlainKubeConfig({ kind: 'default' }, { KUBECONFIG: other }))
  assert.equal(readPlainKubeConfig({ kind: 'default' }, { KUBECONFIG: `${other}:${other}` }), null)
})

async function applied(access: Pick<KubeConfig, 'applyToHTTPSOptions'> | undefined): Promise<Record<string, unknown>> {
  const options: RequestOptions = {}
  await access?.applyToHTTPSOptions(options)
  const { ca, cert, key, servername, rejectUnauthorized } = options
  const text = (value: unknown): string | undefined => (value === undefined || value === null ? undefined : String(value))
  return {
    authorization: (options.headers as Record<string, string> | undefined)?.Authorization,
    ca: text(ca),
    cert: text(cert),
    key: text(key),
    servername,
    verify: rejectUnauthorized !== false,
  }
}
