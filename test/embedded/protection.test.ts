/** Who gets in: the embedded cluster runs commands, so only this machine, only with the path from the kubeconfig, and never a web page. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { request } from 'undici'
import { parse } from 'yaml'
import { startEmbedded } from '../../src/embedded/index.ts'
import { JOBS, job, type Started, start, temporaryFolder } from './start.ts'

const folder = temporaryFolder()
let started: Started
before(async () => {
  started = await start({ kubeconfigFile: join(folder.path, 'embedded.kubeconfig') })
})
after(async () => {
  await started.cluster.close()
  folder.remove()
})

for (const listen of ['0.0.0.0:0', '[::]:0', '192.168.1.10:8001', 'example.com:80', '127.0.0.1', ':8001']) {
  test(`listening on ${listen} is refused, and says what to use`, async () => {
    await assert.rejects(startEmbedded({ listen }), /use 127\.0\.0\.1:0/)
  })
}

test('the kubeconfig is for its owner only and leads to the API', async () => {
  const { kubeconfigFile, kubeconfig, url } = started.cluster
  assert.ok(kubeconfigFile !== null)
  assert.equal(statSync(kubeconfigFile).mode & 0o777, 0o600)
  assert.equal(readFileSync(kubeconfigFile, 'utf8'), kubeconfig)
  const config = parse(kubeconfig)
  assert.equal(config.clusters[0].cluster.server, url)
  assert.equal(config.contexts[0].context.namespace, 'default')
})

test('each start has another path, long enough not to be guessed', async (t) => {
  const second = await start()
  t.after(second.cluster.close)
  const [one, two] = [started.cluster.url, second.cluster.url].map((url) => new URL(url).pathname)
  assert.notEqual(one, two)
  assert.ok((one ?? '').length >= 20)
})

for (const path of ['', '/', '/version', '/api/v1/namespaces', '/wrong-prefix/version']) {
  test(`the path ${path || '(none)'} without the prefix is 404, and no object`, async () => {
    const answer = await request(`${new URL(started.cluster.url).origin}${path}`)
    assert.equal(answer.statusCode, 404)
    assert.equal(await answer.body.text(), '404 page not found\n')
  })
}

/** A plain request, because clients that follow the standard do not let a caller choose the Host header. */
function withHost(host: string): Promise<number> {
  const url = new URL(`${started.cluster.url}/version`)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({ host: url.hostname, port: url.port, path: url.pathname, headers: { host } }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.on('error', reject)
    sent.end()
  })
}

test('only a Host of this machine is served: a page whose name leads to 127.0.0.1 is not', async () => {
  const { port } = new URL(started.cluster.url)
  for (const host of [`127.0.0.1:${port}`, `localhost:${port}`, '127.0.0.1']) assert.equal(await withHost(host), 200, host)
  for (const host of ['evil.example', `evil.example:${port}`, '127.0.0.1.evil.example', '169.254.169.254'])
    assert.equal(await withHost(host), 403, host)
})

const bodies: [string, string | null][] = [
  ['a form', 'application/x-www-form-urlencoded'],
  ['plain text', 'text/plain'],
  ['a multipart form', 'multipart/form-data; boundary=x'],
  ['YAML', 'application/yaml'],
  ['no media type', null],
]
for (const [what, contentType] of bodies) {
  test(`a body that comes as ${what} is 415 and creates nothing`, async () => {
    const headers = contentType === null ? {} : { 'content-type': contentType }
    const answer = await request(`${started.cluster.url}${JOBS}`, {
      method: 'POST',
      headers,
      body: Buffer.from(JSON.stringify(job('sneaky', ['true']))),
    })
    assert.equal(answer.statusCode, 415)
    await answer.body.dump()
    assert.equal((await started.call('GET', `${JOBS}/sneaky`)).status, 404)
  })
}

test('a delete with a form for a body is 415 as well', async () => {
  await started.call('POST', JOBS, {
    ...job('stays', ['true']),
    spec: { suspend: true, template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } } },
  })
  assert.equal((await started.call('DELETE', `${JOBS}/stays`, {}, 'text/plain')).status, 415)
  assert.equal((await started.call('GET', `${JOBS}/stays`)).status, 200)
})

test('a body over the limit is 413', async () => {
  const answer = await started.call('POST', '/api/v1/namespaces/default/configmaps', {
    metadata: { name: 'large' },
    data: { a: 'x'.repeat(4 * 1024 * 1024) },
  })
  assert.equal(answer.status, 413)
})
