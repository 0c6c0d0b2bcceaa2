// A task that runs, and one whose container has ended while the Pod goes on. The table's deadlines: run 3600 s, sidecar_grace 30 s.
// A start is cut to whole seconds, so the time to run ends a second later than the numbers say: nobody loses time to rounding.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exited, type JobSketch, type Look, line, look, ms, type PodSketch, running, waiting } from './raw.ts'

const timeout = (seconds: string): JobSketch => ({ annotations: { 'jobhook.dev/timeout-seconds': seconds } })
const ended = (more: PodSketch): PodSketch => ({ task: exited(0, 'Completed', '12:00:40'), ...more })

type Row = [what: string, look: Look, expected: string]

// biome-ignore format: a row a line
const rows: Row[] = [
  ['it runs', { pod: { task: running() } }, 'running until 13:00:11'],
  ['its own timeout', { job: timeout('90'), pod: { task: running() } }, 'running until 12:01:41'],
  ['its own timeout is over', { job: timeout('49'), pod: { task: running() } }, 'stop task_timeout'],
  ['the time counts from the start of its container, not of its Pod', { job: timeout('50'), pod: { task: running('12:00:59'), created: '12:00:01' } }, 'running until 12:01:50'],
  ['the operator’s limit is over', { pod: { task: running() }, now: '13:00:11' }, 'stop task_timeout'],
  ['its own timeout cannot exceed the operator’s', { job: timeout('999999'), pod: { task: running() } }, 'running until 13:00:11'],
  ['an unreadable timeout counts as none', { job: timeout('soon'), pod: { task: running() } }, 'running until 13:00:11'],
  ['a negative timeout counts as none', { job: timeout('-5'), pod: { task: running() } }, 'running until 13:00:11'],
  ['a start that nobody knows counts from the Pod', { pod: { task: { running: {} } } }, 'running until 13:00:02'],
  ['a native sidecar that crashes beside it', { pod: { task: running(), init: { '*proxy': waiting('CrashLoopBackOff') } } }, 'running until 13:00:11'],
  ['another container that has failed beside it', { pod: { task: running(), others: { helper: exited(1) } } }, 'running until 13:00:11'],
  ['another container whose image is missing', { pod: { phase: 'Pending', task: running(), others: { helper: waiting('ErrImagePull', 'not found') } } }, 'running until 13:00:11'],
  ['phase Unknown: the node is silent', { pod: { phase: 'Unknown', task: running() } }, 'running until 13:00:11'],
  ['restarted in place by a hand-made template', { pod: { task: waiting('CrashLoopBackOff'), taskBefore: exited(1) } }, 'running until 13:00:11'],

  ['it has ended, a helper runs on', { pod: ended({ others: { helper: running() } }) }, 'stopping until 12:01:10'],
  ['the helper has had its time', { pod: ended({ others: { helper: running() } }), now: '12:01:10' }, 'stop sidecar_grace'],
  ['it failed, a helper runs on', { pod: { task: exited(3, 'Error', '12:00:40'), others: { helper: running() } } }, 'stopping until 12:01:10'],
  ['the helper has not even started', { pod: ended({ phase: 'Running', others: { helper: waiting('ErrImagePull') } }), now: '12:01:10' }, 'stop sidecar_grace'],
  ['a native sidecar is the kubelet’s to end', { pod: ended({ init: { '*proxy': running() } }), now: '12:01:10' }, 'stopping until 12:02:10'],
  ['a kubelet that does not', { pod: ended({ init: { '*proxy': running() } }), now: '12:02:10' }, 'stop sidecar_grace'],
  ['its timeout has no say any more', { job: timeout('31'), pod: ended({ others: { helper: running() } }) }, 'stopping until 12:01:10'],
]

for (const [what, sketch, expected] of rows) {
  test(`${what}: ${expected}`, () => assert.equal(line(look(sketch)), expected))
}

test('a live task says when its container started, so that task_started can be sent', () => {
  const starts = [
    look({ pod: { task: running('12:00:42') } }),
    look({ pod: ended({ others: { helper: running() } }) }),
    look({ pod: { phase: 'Pending', task: waiting('ContainerCreating') } }),
  ].map((outcome) => (outcome.kind === 'stop' ? 'stop' : outcome.startedMs))
  assert.deepEqual(starts, [ms('12:00:42'), ms('12:00:10'), null])
})

test('the stop for other containers’ sake leads back to the task’s own verdict, whatever is seen of the Pod afterwards', () => {
  const pods: [PodSketch, string][] = [
    [{ task: exited(0, 'Completed', '12:00:40'), others: { helper: running() } }, 'completed 0 stored'],
    [{ task: exited(0, 'OOMKilled', '12:00:40'), others: { helper: running() } }, 'completed 0 stored'],
    [{ task: exited(3, 'Error', '12:00:40'), others: { helper: running() } }, 'failed container_exit 3 stored'],
    [{ task: exited(137, 'OOMKilled', '12:00:40'), others: { helper: running() } }, 'failed container_oom 137 stored'],
    [{ task: exited(0, 'Error', '12:00:40', { signal: 11 }), others: { helper: running() } }, 'failed container_exit 139 stored'],
  ]
  for (const [pod, expected] of pods) {
    const stop = look({ pod, now: '12:01:10' })
    assert.ok(stop.kind === 'stop')
    const job: Look['job'] = { stop: [stop.reason, '12:01:10.700', stop.message], says: [['Failed', 'DeadlineExceeded', '12:01:15']] }
    assert.equal(line(look({ job, pod: { ...pod, phase: 'Failed', deleted: '12:01:11', gone: true }, now: '12:01:30' })), expected)
    assert.equal(line(look({ job, now: '12:01:30' })), expected)
  }
})
