/** Tables for the pure parts whose every row a reader can check: references in commands, image names, the log file's positions, job plans that no contract test reaches. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { planJob } from '../../src/embedded/controllers/job-plan.ts'
import { expand } from '../../src/embedded/kubelet/environment.ts'
import { imageProblem } from '../../src/embedded/kubelet/image.ts'
import { createLogFile } from '../../src/embedded/kubelet/log-file.ts'
import { decodeProtobuf } from '../../src/embedded/schema/protobuf.ts'
import type { Job } from '../../src/embedded/types.ts'
import { temporaryFolder } from './start.ts'

const references: [string, string][] = [
  ['plain', 'plain'],
  ['$(A)', 'one'],
  ['x$(A)y$(B)', 'xoneytwo'],
  ['$$(A)', '$(A)'],
  ['$$$(A)', '$one'],
  ['$(NONE)', '$(NONE)'],
  ['$A ${A}', '$A ${A}'],
  ['$(A', '$(A'],
  ['$$', '$'],
  ['a$', 'a$'],
  ['$(__proto__)', '$(__proto__)'],
]
for (const [text, expected] of references) {
  test(`${text} becomes ${expected}`, () => {
    assert.equal(expand(text, { A: 'one', B: 'two' }), expected)
  })
}

const images: [string, string | null][] = [
  ['busybox', null],
  ['busybox:1.36', null],
  ['docker.io/library/busybox:1.36', null],
  ['localhost:5000/team/image@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef', null],
  ['registry.example.com/a/b_c/d-e:v1', null],
  ['Upper/Case', 'InvalidImageName'],
  ['with space', 'InvalidImageName'],
  ['busybox:', 'InvalidImageName'],
  [':tag', 'InvalidImageName'],
  ['missing.invalid/x:1', 'ErrImagePull'],
  ['a.missing.invalid:5000/x', 'ErrImagePull'],
  ['invalid', null],
]
for (const [image, reason] of images) {
  test(`image ${image}: ${reason ?? 'fine'}`, () => {
    assert.equal(imageProblem(image, 'IfNotPresent')?.reason ?? null, reason)
  })
}

test('a log is read on from where the last read ended, whatever was dropped in between', (t) => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const log = createLogFile(join(folder.path, 'c.log'), 2000)
  const texts = (lines: { text: Buffer }[]): string[] => lines.map((line) => line.text.toString())
  log.append('stdout', Buffer.from('one\ntw'))
  const first = log.read(0)
  assert.deepEqual(texts(first.lines), ['one'])
  log.append('stderr', Buffer.from('between\n'))
  log.append('stdout', Buffer.from('o\n'))
  const second = log.read(first.next)
  assert.deepEqual(texts(second.lines), ['between', 'two'])
  for (let index = 0; index < 100; index += 1) log.append('stdout', Buffer.from(`line ${index}\n`))
  const third = log.read(second.next)
  assert.equal(texts(third.lines).at(-1), 'line 99')
  assert.ok(third.lines.length < 100)
  assert.deepEqual(log.read(third.next).lines, [])
  log.append('stdout', Buffer.from('no newline'))
  log.end()
  const last = log.read(third.next)
  assert.deepEqual([texts(last.lines), last.lines[0]?.complete], [['no newline'], false])
})

test('a line longer than 16 KiB comes in pieces that belong together', (t) => {
  const folder = temporaryFolder()
  t.after(folder.remove)
  const log = createLogFile(join(folder.path, 'c.log'), 1_000_000)
  log.append('stdout', Buffer.from(`${'x'.repeat(40_000)}\n`))
  const { lines } = log.read(0)
  assert.deepEqual(
    lines.map((line) => line.complete),
    [false, false, true],
  )
  assert.equal(
    lines.reduce((sum, line) => sum + line.text.length, 0),
    40_000,
  )
})

function jobOf(spec: Partial<Job['spec']>, status: Job['status']): Job {
  const metadata = { name: 'j', namespace: 'n', uid: 'u', resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' }
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { parallelism: 1, completions: 1, template: { spec: { containers: [] } }, ...spec },
    status,
  }
}

const START = '2026-01-01T00:00:00Z'
const plans: [string, Job, { create: number; againMs: number | null }][] = [
  ['a new Job gets its Pod', jobOf({}, {}), { create: 1, againMs: null }],
  ['three at a time', jobOf({ parallelism: 3, completions: 5 }, { startTime: START }), { create: 3, againMs: null }],
  [
    'no more than are still missing',
    jobOf({ parallelism: 3, completions: 5 }, { startTime: START, succeeded: 4 }),
    { create: 1, againMs: null },
  ],
  ['a suspended Job gets none', jobOf({ suspend: true }, {}), { create: 0, againMs: null }],
  [
    'a deadline is looked at again when it is due',
    jobOf({ activeDeadlineSeconds: 60 }, { startTime: START }),
    { create: 1, againMs: 50_000 },
  ],
  [
    'a deadline means nothing while suspended',
    jobOf({ suspend: true, activeDeadlineSeconds: 1 }, { startTime: START }),
    { create: 0, againMs: null },
  ],
]
for (const [what, job, expected] of plans) {
  test(what, () => {
    const { create, againMs } = planJob(job, [], Date.parse(START) + 10_000)
    assert.deepEqual({ create, againMs }, expected)
  })
}

test('protobuf that is cut off or none is an error, not a crash', () => {
  assert.throws(() => decodeProtobuf(Buffer.from('{}')), /does not appear to be a protobuf message/)
  assert.throws(() => decodeProtobuf(Buffer.from('k8s\0\x0a\xff\x01', 'latin1')), /unexpected EOF/)
  assert.throws(() => decodeProtobuf(Buffer.from('k8s\0\x0a\x06\x12\x04Node', 'latin1')), /no kind "Node" is registered/)
})
