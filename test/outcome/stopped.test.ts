// A task that we stopped: the verdict follows from the stop mark once the workload has ended, and a completion counts only if it surely came first.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  COMPLETE,
  disrupted,
  exited,
  FAILED,
  type JobSketch,
  type Look,
  line,
  look,
  lost,
  PAST_DEADLINE,
  type PodSketch,
  running,
  waiting,
} from './raw.ts'

/** Stopped at 12:00:30, and the Job controller has ended it. */
const over = (reason: string, more: JobSketch = {}): JobSketch => ({
  stop: [reason, '12:00:30.400'],
  says: [PAST_DEADLINE],
  failed: 1,
  ...more,
})
/** Stopped at 12:00:30, and nothing more is known of the Job. */
const stopping = (reason: string, more: JobSketch = {}): JobSketch => ({ stop: [reason, '12:00:30.400'], active: 1, ...more })

/** The Pod as the watch's DELETED object shows it: killed after the stop. */
const killed = (task: PodSketch['task'], more: PodSketch = {}): PodSketch => ({
  phase: 'Failed',
  ...(task ? { task } : {}),
  deleted: '12:00:31',
  gone: true,
  ...more,
})

type Row = [what: string, look: Look, expected: string]

// biome-ignore format: a row a line
const rows: Row[] = [
  // Each reason to stop.
  ['cancelled while it ran', { job: over('task_cancelled'), pod: killed(exited(143, 'Error', '12:00:33')) }, 'cancelled 143 stored'],
  ['cancelled, had to be killed', { job: over('task_cancelled'), pod: killed(exited(137, 'Error', '12:00:59')) }, 'cancelled 137 stored'],
  ['cancelled, and the polite task exits 0', { job: over('task_cancelled'), pod: killed(exited(0, 'Completed', '12:00:33')) }, 'cancelled 0 stored'],
  ['past its timeout', { job: over('task_timeout'), pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed task_timeout 143 stored'],
  ['past its timeout, exits 0', { job: over('task_timeout'), pod: killed(exited(0, 'Completed', '12:00:33')) }, 'failed task_timeout 0 stored'],
  ['its Job deleted', { job: over('deleted', { deleted: '12:00:29' }), pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed deleted 143 retryable stored'],
  ['its image never came', { job: over('image_pull'), pod: killed(waiting('ImagePullBackOff')) }, 'failed image_pull - retryable stored'],
  ['no node for it', { job: over('unschedulable'), pod: killed(undefined, { phase: 'Pending', node: null }) }, 'failed unschedulable - retryable stored'],
  ['no Pod for it', { job: over('job_create', { failed: 0 }) }, 'failed job_create - retryable stored'],
  ['a reason of a newer release', { job: over('solar_flare'), pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed solar_flare 143 stored'],
  ['an image that does not exist is not worth a retry', { job: { ...over('image_pull'), stop: ['image_pull', '12:00:30', 'ErrImagePull: manifest unknown'] }, pod: killed(waiting('ErrImagePull')) }, 'failed image_pull - stored'],
  ['nor one we may not read', { job: { ...over('image_pull'), stop: ['image_pull', '12:00:30', 'ErrImagePull: 401 Unauthorized'] }, now: '12:02:00' }, 'failed image_pull - stored'],

  // What came first: the end of the task, or the deletion of its Pod, with which a stop begins. Our mark alone has not touched it.
  ['completed two seconds before', { job: over('task_cancelled'), pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:28') } }, 'completed 0 stored'],
  ['completed in the second before', { job: over('task_cancelled'), pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:29') } }, 'completed 0 stored'],
  ['completed in the same second, its Pod untouched', { job: over('task_cancelled'), pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:30') } }, 'completed 0 stored'],
  ['completed after the mark, its Pod untouched', { job: over('task_cancelled'), pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:35') } }, 'completed 0 stored'],
  ['completed after the mark, its Pod deleted in the second after', { job: over('task_cancelled'), pod: killed(exited(0, 'Completed', '12:00:31'), { phase: 'Succeeded', deleted: '12:00:32' }) }, 'completed 0 stored'],
  ['completed after the mark, its Pod deleted in the same second: not sure', { job: over('task_cancelled'), pod: killed(exited(0, 'Completed', '12:00:31'), { phase: 'Succeeded', deleted: '12:00:31' }) }, 'cancelled 0 stored'],
  ['the mark on the full second, the end in the second before', { job: { stop: ['task_cancelled', '12:00:30.000'] }, pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:29') } }, 'completed 0 stored'],
  ['the mark one millisecond earlier', { job: { stop: ['task_cancelled', '12:00:29.999'] }, pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:29') } }, 'completed 0 stored'],
  ['failed by itself before', { job: over('task_timeout'), pod: { phase: 'Failed', task: exited(7, 'Error', '12:00:25') } }, 'failed container_exit 7 stored'],
  ['out of memory before', { job: over('task_timeout'), pod: { phase: 'Failed', task: exited(137, 'OOMKilled', '12:00:25') } }, 'failed container_oom 137 stored'],
  ['failed by itself after the mark, before its Pod was deleted', { job: stopping('task_timeout'), pod: { phase: 'Failed', task: exited(7, 'Error', '12:00:30') } }, 'failed container_exit 7 stored'],
  ['setup failed before', { job: over('task_cancelled'), pod: { phase: 'Failed', task: waiting('PodInitializing'), init: { setup: exited(2, 'Error', '12:00:20') } } }, 'failed setup_command 2 stored'],
  ['setup was stopped by us', { job: over('task_cancelled'), pod: killed(waiting('PodInitializing'), { init: { setup: exited(143, 'Error', '12:00:32') } }) }, 'cancelled - stored'],
  ['evicted before', { job: over('task_cancelled'), pod: { phase: 'Failed', reason: 'Evicted', task: exited(137, 'Error', '12:00:20'), conditions: [disrupted('TerminationByKubelet', '', '12:00:19')] } }, 'failed evicted 137 retryable stored'],
  ['completed before, and the Pod deleted all the same', { job: over('task_cancelled'), pod: killed(exited(0, 'Completed', '12:00:28'), { phase: 'Succeeded' }) }, 'completed 0 stored'],
  ['a drain began before the mark; the task ended between the two', { job: over('task_cancelled'), pod: killed(exited(0, 'Completed', '12:00:27'), { deleted: '12:00:25' }) }, 'cancelled 0 stored'],
  ['both Job conditions lag: the Pod alone is enough', { job: stopping('task_cancelled'), pod: { phase: 'Succeeded', task: exited(0, 'Completed', '12:00:28') } }, 'completed 0 stored'],
  ['Complete came after the mark', { job: over('task_cancelled', { says: [COMPLETE], failed: 0, succeeded: 1 }), pod: killed(exited(0, 'Completed', '12:00:30'), { phase: 'Succeeded' }) }, 'completed 0 stored'],

  // Not ended yet.
  ['just marked', { job: stopping('task_cancelled'), pod: { task: running() } }, 'stopping until 12:30:30.400'],
  ['its Pod is ending', { job: stopping('task_cancelled'), pod: { task: running(), deleted: '12:00:31' } }, 'stopping until 12:30:30.400'],
  ['FailureTarget, the container runs on', { job: stopping('task_cancelled', { says: [['FailureTarget', 'DeadlineExceeded', '12:00:31']] }), pod: { task: running(), deleted: '12:00:31' } }, 'stopping until 12:30:30.400'],
  ['its container has ended, its Pod has not', { job: stopping('task_cancelled'), pod: { task: exited(143, 'Error', '12:00:33'), deleted: '12:00:31' } }, 'stopping until 12:30:30.400'],
  ['its Pod has ended, its Job has not', { job: stopping('task_cancelled'), pod: killed(exited(143, 'Error', '12:00:33')) }, 'stopping until 12:30:30.400'],
  ['its Pod has ended, and FailureTarget says that none follows', { job: stopping('task_cancelled', { says: [['FailureTarget', 'DeadlineExceeded', '12:00:31']] }), pod: killed(exited(143, 'Error', '12:00:33')) }, 'cancelled 143 stored'],
  ['the same with the Pod still listed', { job: stopping('task_cancelled', { says: [['FailureTarget', 'DeadlineExceeded', '12:00:31']] }), pod: { ...killed(exited(143, 'Error', '12:00:33')), gone: false } }, 'cancelled 143 stored'],
  ['Failed, but the Pod’s last state is still to come', { job: over('task_cancelled'), pod: { task: running(), deleted: '12:00:31' } }, 'stopping until 12:02:01'],
  ['Failed, and the Pod’s last state never came', { job: over('task_cancelled'), pod: { task: running(), deleted: '12:00:31' }, now: '12:02:01' }, 'cancelled - stored'],
  ['Failed, and the Pod went without its last state', { job: over('task_cancelled'), pod: { task: running(), deleted: '12:00:31', gone: true } }, 'cancelled - stored'],
  ['Failed, a Pod was counted but never seen', { job: over('task_cancelled'), now: '12:00:50' }, 'stopping until 12:01:15'],
  ['the same a little later', { job: over('task_cancelled'), now: '12:01:15' }, 'cancelled - stored'],

  // No Pod.
  ['stopped in the queue, and ended', { job: over('task_cancelled', { failed: 0 }) }, 'cancelled - stored'],
  ['stopped in the queue, the controller has not come yet', { job: { stop: ['task_cancelled', '12:00:50'], suspended: true } }, 'stopping until 12:01:20'],
  ['the controller cannot end it (a quota)', { job: { stop: ['job_create', '12:00:50'], started: null }, now: '12:01:20' }, 'failed job_create - retryable stored'],
  ['the controller is ending a Pod we have not seen', { job: { stop: ['task_cancelled', '12:00:50'], says: [['FailureTarget', 'DeadlineExceeded']] }, now: '12:05:00' }, 'stopping until 12:30:50'],
  ['the Job counts a Pod we have not seen', { job: { stop: ['task_cancelled', '12:00:50'], active: 1 }, now: '12:01:30' }, 'stopping until 12:30:50'],
  ['held back by Kueue: nothing runs, nothing will', { job: { stop: ['task_cancelled', '12:00:50'], suspended: true, labels: { 'kueue.x-k8s.io/queue-name': 'q' } } }, 'cancelled - stored'],
  ['Kueue holds it back, its Pod is still ending', { job: { stop: ['task_cancelled', '12:00:50'], suspended: true, labels: { 'kueue.x-k8s.io/queue-name': 'q' } }, pod: { task: running(), deleted: '12:00:49' } }, 'stopping until 12:30:50'],
  ['its Job deleted, its Pod gone: nothing can follow', { job: stopping('deleted', { deleted: '12:00:29' }), pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed deleted 143 retryable stored'],
  ['its Pod is gone and the controllers are silent for half an hour', { job: stopping('task_cancelled'), pod: killed(exited(143, 'Error', '12:00:33')), now: '12:30:31' }, 'cancelled 143 stored'],

  // The end cannot be seen.
  ['the node is lost', { job: stopping('task_cancelled'), pod: { task: running(), deleted: '12:00:31' }, now: '12:30:30' }, 'stopping until 12:30:30.400'],
  ['and stays lost', { job: stopping('task_cancelled'), pod: { task: running(), deleted: '12:00:31' }, now: '12:30:31' }, 'failed node_lost - retryable unstopped stored'],
  ['lost after a timeout', { job: stopping('task_timeout'), pod: { task: running(), deleted: '12:00:31' }, now: '12:30:31' }, 'failed node_lost - retryable unstopped stored'],
  ['a shorter patience', { job: stopping('task_timeout'), pod: { task: running(), deleted: '12:00:31' }, now: '12:00:33', deadlines: { stopConfirmSeconds: 2 } }, 'failed node_lost - retryable unstopped stored'],
  ['the task had completed before, only its Pod hangs', { job: stopping('task_cancelled'), pod: { task: exited(0, 'Completed', '12:00:25'), others: { helper: running() }, deleted: '12:00:31' }, now: '12:30:31' }, 'completed 0 unstopped stored'],
  ['the node came back and knew nothing', { job: over('task_cancelled'), pod: killed(lost) }, 'cancelled - stored'],

  // Stopped only because other containers ran on: the verdict is the task container's.
  ['completed, helper stopped', { job: over('sidecar_grace'), pod: killed(exited(0, 'Completed', '12:00:00'), { others: { helper: exited(137) } }) }, 'completed 0 stored'],
  ['failed, helper stopped', { job: over('sidecar_grace'), pod: killed(exited(3, 'Error', '12:00:00'), { others: { helper: exited(0) } }) }, 'failed container_exit 3 stored'],
  ['completed, and the Pod went unseen', { job: over('sidecar_grace', { failed: 0, stop: ['sidecar_grace', '12:00:30', 'exit 0 Completed: the task’s container had ended'] }) }, 'completed 0 stored'],
  ['failed, and the Pod went unseen', { job: over('sidecar_grace', { failed: 0, stop: ['sidecar_grace', '12:00:30', 'exit 3 Error: the task’s container had ended'] }) }, 'failed container_exit 3 stored'],
  ['out of memory, and the Pod went unseen', { job: over('sidecar_grace', { failed: 0, stop: ['sidecar_grace', '12:00:30', 'exit 137 OOMKilled: the task’s container had ended'] }) }, 'failed container_oom 137 stored'],
  ['somebody edited the note', { job: over('sidecar_grace', { failed: 0, stop: ['sidecar_grace', '12:00:30', 'nothing'] }) }, 'failed job_failed - retryable stored'],
  ['completed, and the helper cannot be stopped', { job: stopping('sidecar_grace'), pod: { task: exited(0, 'Completed', '12:00:00'), others: { helper: running() }, deleted: '12:00:31' }, now: '12:30:31' }, 'completed 0 unstopped stored'],

  // Marks that cannot be read still are marks.
  ['no JSON', { job: { annotations: { 'jobhook.dev/stop': 'please' }, says: [PAST_DEADLINE] }, pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed unknown 143 stored'],
  ['no JSON, and the task had completed before its Pod was deleted', { job: { annotations: { 'jobhook.dev/stop': 'please' }, says: [PAST_DEADLINE] }, pod: killed(exited(0, 'Completed', '12:00:20')) }, 'completed 0 stored'],
  ['a reason that is no word', { job: { annotations: { 'jobhook.dev/stop': '{ "reason":"<b>","at":"2026-11-24T12:00:30Z" }' }, says: [FAILED] }, pod: killed(exited(143, 'Error', '12:00:33')) }, 'failed unknown 143 stored'],
  ['no time: never taken for confirmed', { job: { annotations: { 'jobhook.dev/stop': '{ "reason":"task_cancelled" }' } }, pod: { task: running() }, now: '23:00:00' }, 'stopping'],
]

for (const [what, sketch, expected] of rows) {
  test(`${what}: ${expected}`, () => assert.equal(line(look(sketch)), expected))
}
