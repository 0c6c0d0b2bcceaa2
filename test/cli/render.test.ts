// `jobhook render` and POST /v1/render: the manifests a task would become, without creating anything.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { prefersJson } from '../../routes/render.ts'
import { freshWorkerId, startJobhook } from '../support/jobhook.ts'
import { run } from './command.ts'

const folder = mkdtempSync(join(tmpdir(), 'jobhook-render-'))
after(() => rmSync(folder, { recursive: true }))

function file(name: string, content: unknown): string {
  const path = join(folder, name)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const data = { task_id: 't-42', docker_image: 'busybox', command: ['/bin/true'], env_vars: { TOKEN: 'hunter-2-secret', YES: 'yes' } }
const message = file('message.json', { type: 'task_assignment', data })
const CONFIG = file('config.yaml', 'worker_id: w1\nbackend: {kubernetes: {namespace: agents}}\n')
// biome-ignore lint/suspicious/noExplicitAny: manifests of several kinds
const documents = (yaml: string): any[] => parseAllDocuments(yaml, { version: '1.1' }).map((document) => document.toJS())

test('prints the Secret, masked, then the Job; the same text each time', async () => {
  const { code, out, err } = await run(['render', message, '--config', CONFIG])
  assert.deepEqual([code, err], [0, ''])
  const [secret, job] = documents(out)
  assert.deepEqual([secret.kind, job.kind, job.metadata.namespace], ['Secret', 'Job', 'agents'])
  assert.deepEqual(secret.stringData, { TOKEN: '********', YES: '********' })
  assert.ok(!out.includes('hunter-2-secret'))
  assert.equal((await run(['render', message, '--config', CONFIG])).out, out)
})

test('--show-secrets prints the values as they are, so that kubectl could apply them', async () => {
  const [secret] = documents((await run(['render', '--show-secrets', message])).out)
  assert.deepEqual(secret.stringData, { TOKEN: 'hunter-2-secret', YES: 'yes' })
})

test('the data alone, as YAML on standard input, becomes the same Job', async () => {
  const yaml = 'task_id: t-42\ndocker_image: busybox\ncommand: [/bin/true]\nenv_vars: {TOKEN: x, "YES": "yes"}\nexecution_id: null\n'
  const piped = await run(['render', '-', '--config', CONFIG], { input: yaml })
  assert.equal(piped.code, 0, piped.err)
  assert.equal(piped.out, (await run(['render', message, '--config', CONFIG])).out)
})

const refusals: [title: string, input: string, expected: RegExp][] = [
  ['a field of the wrong type, with its pointer', '{"task_id": 5}', /\n {2}\/task_id must be a string/],
  [
    'the same in a message, with the pointer into the message',
    '{"type":"task_assignment","data":{"task_id":5}}',
    /\n {2}\/data\/task_id must/,
  ],
  ['what the builder refuses', '{"task_id":"a"}', /\n {2}\/docker_image is needed: no image is configured/],
  [
    'a callback_url whose origin is not allowed',
    '{"task_id":"a","docker_image":"b","callback_url":"https://x.example/"}',
    /\/callback_url has an origin/,
  ],
  ['another type of message', '{"type":"heartbeat","data":{}}', /\/type is heartbeat: only a task_assignment/],
  ['broken JSON', '{"task_id": "hunter-2-secret" "x"}', /is not JSON: there is a syntax error in line 1/],
  ['an empty file', '', /the assignment must be an object/],
]
for (const [title, input, expected] of refusals) {
  test(`refuses ${title}: exit code 1`, async () => {
    const { code, out, err } = await run(['render', '-'], { input })
    assert.deepEqual([code, out], [1, ''])
    assert.match(err, expected)
    assert.ok(!err.includes('hunter-2-secret'), err)
  })
}

test('a file that is not there and a wrong configuration exit with 1, a missing argument with 2', async () => {
  assert.match((await run(['render', join(folder, 'nothing')])).err, /cannot be read/)
  const wrong = await run(['render', message, '--config', file('wrong.yaml', 'worker_id: w1\nbackends: {}\n')])
  assert.equal(wrong.code, 1)
  assert.match(wrong.err, /backends is not a known key; did you mean backend\?/)
  assert.equal((await run(['render'])).code, 2)
})

test('POST /v1/render answers the same manifests as YAML or JSON, always masked, and points errors into the body', async () => {
  const jobhook = await startJobhook({ worker_id: freshWorkerId('render'), cluster: 'embedded' })
  try {
    const yaml = await jobhook.rest('POST', '/v1/render', data)
    assert.equal(yaml.status, 200)
    assert.match(String(yaml.headers['content-type']), /^application\/yaml/)
    const json = await jobhook.rest('POST', '/v1/render', data, { accept: 'application/json' })
    assert.deepEqual([json.status, json.body.warnings], [200, []])
    assert.deepEqual(json.body.items, documents(yaml.body))
    assert.ok(!yaml.body.includes('hunter-2-secret') && !JSON.stringify(json.body).includes('hunter-2-secret'))
    const refused = await jobhook.rest('POST', '/v1/render', { ...data, labels: { 'a/b': 'c' } })
    assert.equal(refused.status, 422)
    assert.deepEqual(
      refused.body.errors.map((error: { pointer: string }) => error.pointer),
      ['/labels/a~1b'],
    )
    assert.deepEqual((await jobhook.rest('GET', '/v1/tasks')).body.items, [])
  } finally {
    await jobhook.stop()
  }
})

const accepts: [accept: string | undefined, json: boolean][] = [
  [undefined, false],
  ['*/*', false],
  ['application/json', true],
  ['application/yaml', false],
  ['application/yaml, application/json', false],
  ['application/yaml;q=0.5, application/json', true],
  ['application/json;q=0', false],
  ['text/html, */*;q=0.1', false],
]
for (const [accept, json] of accepts) {
  test(`Accept ${accept ?? '(absent)'} gets ${json ? 'JSON' : 'YAML'}`, () => assert.equal(prefersJson(accept), json))
}
