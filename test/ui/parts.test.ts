// The page's pure parts: escaping, the timeline, figures, what is masked.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TaskRecord } from '../../src/model/task.ts'
import { age, duration } from '../../src/ui/assets/format.js'
import { html } from '../../src/ui/assets/html.js'
import { isFound, taskCells, wordsOf } from '../../src/ui/assets/row.js'
import { segmentsOf, timeline } from '../../src/ui/assets/timeline.js'
import { maskedManifest } from '../../src/ui/manifest.ts'
import { computeStatistics, MINUTES, quantile } from '../../src/ui/statistics.ts'

const NOW = Date.parse('2026-11-26T12:00:30Z')
const at = (seconds: number): string => new Date(NOW + seconds * 1000).toISOString()

function task(more: Partial<Omit<TaskRecord, 'times'>> & { times?: Partial<TaskRecord['times']> } = {}): TaskRecord {
  return {
    id: 'task-1',
    task_id: 't-1',
    execution_id: 't-1',
    worker_id: 'w',
    title: null,
    labels: {},
    priority: 0,
    state: 'running',
    reason: null,
    retryable: null,
    exit_code: null,
    message: null,
    queue_position: null,
    job: 'task-1',
    pod: null,
    node: null,
    delivery: { state: 'none', attempts: 0, next_at: null, last_error: null },
    ...more,
    times: { accepted: null, created: null, scheduled: null, pulled: null, started: null, finished: null, reported: null, ...more.times },
  }
}
const owed = { state: 'owed', attempts: 1, next_at: null, last_error: null } as const

const HOSTILE = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='x",
  '&lt;b&gt;',
  '</title></textarea><svg/onload=x>',
]

test('hostile titles, ids, reasons and messages are text wherever they appear', () => {
  for (const text of HOSTILE) {
    const row = taskCells(task({ title: text, task_id: text, id: text, reason: text, message: text }), NOW).toString()
    assert.doesNotMatch(row, /<(script|img|svg|b|textarea)\b/)
    assert.doesNotMatch(row, /\son\w+=['"x]/)
    const inAttribute = html`<a title="${text}">${text}</a>`.toString()
    assert.equal(inAttribute.match(/[<>]/g)?.length, 4, inAttribute)
    assert.equal(inAttribute.match(/"/g)?.length, 2, inAttribute)
  }
  assert.equal(html`${[html`<i>`, '<i>']}${null}${false}${undefined}${0}`.toString(), '<i>&lt;i&gt;0')
})

test('a timeline has what is known, in order, and never goes back', () => {
  type Row = [what: string, task: TaskRecord, segments: [key: string, seconds: number, open: boolean][]]
  const times = (accepted: number, scheduled: number, pulled: number, started: number) => ({
    accepted: at(accepted),
    scheduled: at(scheduled),
    pulled: at(pulled),
    started: at(started),
  })
  const rows: Row[] = [
    ['nothing known', task(), []],
    ['just accepted', task({ state: 'pending', times: { accepted: at(-4) } }), [['wait', 4, true]]],
    [
      'running',
      task({ times: times(-9, -8, -5, -5) }),
      [
        ['wait', 1, false],
        ['pull', 3, false],
        ['prepare', 0, false],
        ['run', 5, true],
      ],
    ],
    [
      'completed and reported',
      task({ state: 'completed', times: { ...times(-20, -20, -12, -10), finished: at(-2), reported: at(-1) } }),
      [
        ['wait', 0, false],
        ['pull', 8, false],
        ['prepare', 2, false],
        ['run', 8, false],
        ['report', 1, false],
      ],
    ],
    [
      'failed before a node was found',
      task({ state: 'failed', times: { accepted: at(-20), finished: at(-5), reported: at(-4) } }),
      [
        ['wait', 15, false],
        ['report', 1, false],
      ],
    ],
    [
      'ended, its report owed',
      task({ state: 'failed', times: { ...times(-9, -9, -8, -8), finished: at(-3) }, delivery: owed }),
      [
        ['wait', 0, false],
        ['pull', 1, false],
        ['prepare', 0, false],
        ['run', 5, false],
        ['report', 3, true],
      ],
    ],
    [
      'a clock that went back',
      task({ state: 'completed', times: { ...times(-5, -7, -4, -4), finished: at(-1) } }),
      [
        ['wait', 0, false],
        ['pull', 1, false],
        ['prepare', 0, false],
        ['run', 3, false],
      ],
    ],
  ]
  for (const [what, record, expected] of rows)
    assert.deepEqual(
      segmentsOf(record, NOW).map(({ key, fromMs, toMs, open }) => [key, (toMs - fromMs) / 1000, open]),
      expected,
      what,
    )
})

test('the timeline is to scale: half the time is half the width', () => {
  const times = { accepted: at(-20), scheduled: at(-15), pulled: at(-10), started: at(-10), finished: at(0) }
  const drawn = timeline(task({ state: 'completed', times }), NOW).toString()
  assert.deepEqual(
    [...drawn.matchAll(/<rect class="bar bar-(\w+)" x="([\d.]+)%" width="([\d.]+)%"/g)].map(([, ...parts]) => parts),
    [
      ['wait', '0', '25'],
      ['pull', '25', '25'],
      ['prepare', '50', '0'],
      ['run', '50', '50'],
    ],
  )
  assert.match(drawn, /aria-label="Timeline, 20 s in all: waited for a node 5 s, fetched its image 5 s, prepared 0 s, ran 10 s"/)
})

test('durations and ages', () => {
  const rows = [
    // milliseconds, duration, age
    [0, '0 s', '0 s'],
    [450, '450 ms', '0 s'],
    [59_400, '59 s', '59 s'],
    [65_000, '1 m 05 s', '1 m'],
    [3_600_000, '1 h 00 m', '1 h'],
    [100_000_000, '1 d 3 h', '27 h'],
    [400_000_000, '4 d 15 h', '4 d'],
    [-5, '0 s', '0 s'],
  ] as const
  for (const [ms, long, short] of rows) assert.deepEqual([duration(ms), age(ms)], [long, short], String(ms))
})

test('a search finds every word, in whatever order, in titles, ids, reasons, nodes and labels', () => {
  const record = task({ title: 'Fix the build', labels: { team: 'web' }, reason: 'container_oom', node: 'node-3' })
  for (const search of ['', 'BUILD fix', 'team=web', 'oom', 'T-1 node-3']) assert.ok(isFound(record, wordsOf(search)), search)
  for (const search of ['fix nothing', 'db']) assert.ok(!isFound(record, wordsOf(search)), search)
})

test('figures: each task in its minute, medians, what waits longest', async () => {
  const dead = { state: 'dead', attempts: 9, next_at: null, last_error: null } as const
  const records = [
    task({ state: 'completed', times: { accepted: at(-100), started: at(-90), finished: at(-65), reported: at(-64) } }),
    task({ state: 'completed', times: { accepted: at(-100), started: at(-80), finished: at(-65), reported: at(-62) } }),
    task({ state: 'failed', reason: 'container_oom', times: { accepted: at(-100), started: at(-60), finished: at(-1) }, delivery: owed }),
    task({ state: 'cancelled', times: { accepted: at(-9_000), finished: at(-7_200), reported: at(-7_200) }, delivery: dead }),
    task({ id: 'young', state: 'pending', times: { accepted: at(-5) } }),
    task({ id: 'old', state: 'queued', times: { accepted: at(-50) } }),
    task({ id: 'never-started', state: 'failed', reason: 'image_pull', times: { accepted: at(-20), reported: at(-1) } }),
  ]
  const figures = await computeStatistics(
    records,
    (record) => record,
    NOW,
    async () => {},
  )
  assert.deepEqual(figures.byState, { completed: 2, failed: 2, cancelled: 1, pending: 1, queued: 1 })
  assert.equal(figures.finished.length, MINUTES)
  assert.deepEqual(figures.finished.slice(-2), [
    { completed: 2, failed: 0, cancelled: 0 },
    { completed: 0, failed: 2, cancelled: 0 },
  ])
  assert.deepEqual(figures.start, { median: 20, p95: 40 })
  assert.deepEqual(figures.report, { median: 1, p95: 3 })
  assert.deepEqual([figures.owed, figures.dead, figures.tasks], [1, 1, 7])
  assert.deepEqual(figures.oldestWaiting, { id: 'old', name: 't-1', sinceMs: NOW - 50_000 })
  assert.deepEqual(figures.reasons, [
    { reason: 'container_oom', count: 1 },
    { reason: 'image_pull', count: 1 },
  ])
  assert.equal(quantile([], 0.5), null)
})

test('a manifest shows no secret: variables by name, callback URLs, credentials in URLs, data of Secrets', () => {
  const text = maskedManifest({
    metadata: {
      name: 'task-1',
      managedFields: [{ manager: 'x' }],
      annotations: { 'jobhook.dev/callback-url': 'https://control.example/hooks?key=S3CRET' },
    },
    data: { anything: 'S3CRET' },
    spec: {
      env: [
        { name: 'API_TOKEN', value: 'S3CRET' },
        { name: 'PROXY', value: 'http://user:S3CRET@proxy:3128' },
        { name: 'TASK_ID', value: 't-1' },
        { name: 'FROM', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      ],
    },
  })
  assert.doesNotMatch(text, /S3CRET|managedFields/)
  assert.match(text, /value: t-1/)
  assert.match(text, /https:\/\/control\.example\/\*{8}/)
  assert.match(text, /secretKeyRef/)
})
