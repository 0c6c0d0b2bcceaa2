// Configuration files and variables: whatever is in them, a configuration or problems that name their key; never a throw, never a secret in a problem.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { loadCheckedConfig } from '../../../src/app/checked-config.ts'
import { explainConfig } from '../../../src/config/index.ts'
import { readYaml } from '../../../src/lib/yaml.ts'
import { type Bytes, bytesOf, latin1, mutated } from '../mutate.ts'
import { assertUnpolluted, type Target } from '../target.ts'
import { CANARY } from './message.ts'

interface Input {
  file: Bytes
  env: Record<string, string>
}

const SECRET = `whsec_${Buffer.from(CANARY.padEnd(32, '.')).toString('base64')}`
const ROOT = join(import.meta.dirname, '../../..')
const FILES: readonly Bytes[] = [
  ...globSync('examples/configs/*.yaml', { cwd: ROOT }).map((file) => latin1(readFileSync(join(ROOT, file), 'utf8'))),
  latin1(`worker_id: w1
webhook: { secrets: ["${SECRET}"], tolerance: 5m }
api: { tokens: [{ name: ci, token: ${CANARY}-token, scopes: [read, admin] }] }
callback: { url: "https://control.example/h", secrets: [{ env: KEY }], schedule: [0, 5], allow_origins: ["https://a.example"] }
limits: { max_concurrent_tasks: 5, overflow: queue, requests_per_second: { webhook: 10 } }
deadlines: { run: 8h, pull: 90 }
trust_proxy: [10.0.0.0/8, "fd00::/8"]
backend: { kubernetes: { default_image: a:1, pod_template: { containers: [{ name: task, env: [{ name: A, value: b }] }] } } }
`),
]
const names = [
  'JOBHOOK_LISTEN',
  'JOBHOOK_LIMITS__MAX_CONCURRENT_TASKS',
  'JOBHOOK_CALLBACK__SECRETS',
  'JOBHOOK_API__TOKENS',
  'JOBHOOK___PROTO____X',
  'JOBHOOK_CONSTRUCTOR__PROTOTYPE',
  'KEY',
]

export const config: Target<Input> = {
  name: 'config',
  inputs: fc.record({
    file: mutated(FILES),
    env: fc.dictionary(fc.constantFrom(...names), mutated(['5', '[a, b]', '{file: /nowhere}', CANARY, SECRET], 2), { maxKeys: 2 }),
  }),
  runs: 1_500,
  check({ file, env }) {
    const read = readYaml(bytesOf(file).toString('utf8'))
    if (!read.ok) return assert.ok(!read.detail.includes(CANARY), read.detail)
    const loaded = loadCheckedConfig({ file: null, content: read.value ?? {}, env })
    assertUnpolluted()
    if (loaded.ok) {
      assert.ok(!JSON.stringify(explainConfig(loaded.config)).includes(CANARY), 'a secret is explained')
      return
    }
    assert.ok(loaded.problems.length > 0)
    for (const { key, detail } of loaded.problems) {
      assert.ok(key !== undefined && detail.length > 3, `${key} ${detail}`)
      assert.ok(!detail.includes(SECRET.slice(6, 30)) && !detail.includes(CANARY), `${key}: ${detail}`)
    }
  },
}
