// docs/logs.md and the source name the same log lines, with the same levels, and every field is explained.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { logLines } from './log-lines.ts'

const ROOT = join(import.meta.dirname, '../..')
const page = readFileSync(join(ROOT, 'docs/logs.md'), 'utf8')
// The embedded cluster is no service of its own; its lines are debug lines of serve.
const files = globSync('src/**/*.ts', { cwd: ROOT, exclude: (path) => path.includes('src/embedded') }).sort()
const lines = files.flatMap((file) => logLines(file, readFileSync(join(ROOT, file), 'utf8')))

const documented = new Map(
  [...page.matchAll(/^\| (debug|info|warn|error) \| `([^`]+)` \|/gm)].map(([, level = '', message = '']) => [message, level]),
)
const fields = new Set(
  [...page.matchAll(/^\| ((?:`[a-z_]+`(?:, )?)+) \|/gm)].flatMap(([, names = '']) => names.replaceAll('`', '').split(', ')),
)

test('every log line is in docs/logs.md under its level, and no other is', () => {
  assert.ok(lines.length > 50)
  const found = new Map(lines.flatMap(({ level, message }) => (message === null ? [] : [[message, level] as const])))
  const sorted = (map: Map<string, string>): string[] => [...map].map(([message, level]) => `${level} ${message}`).sort()
  assert.deepEqual(sorted(documented), sorted(found))
})

test('every field of a log line is explained in docs/logs.md', () => {
  const used = new Set(lines.flatMap((line) => line.fields))
  assert.deepEqual(
    [...used].filter((name) => !fields.has(name)),
    [],
  )
})

test('lines are read as they are written', () => {
  const source = "log.warn({ job: key, ...more, cause: f(a, 'b)') }, `lost: ${why(x)}, ${y}`)\nlog.info('it\\'s up')\nlog.error(text)"
  assert.deepEqual(logLines('f', source), [
    { file: 'f', level: 'warn', message: 'lost: …, …', fields: ['job', 'cause'] },
    { file: 'f', level: 'info', message: "it's up", fields: [] },
    { file: 'f', level: 'error', message: null, fields: [] },
  ])
})
