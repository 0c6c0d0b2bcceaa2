// Somebody else deleted the Job or its Pod, or Kubernetes has spoken on the Job: a Pod that is being deleted is never a verdict alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  COMPLETE,
  disrupted,
  exited,
  FAILED,
  type Look,
  line,
  look,
  lost,
  PAST_DEADLINE,
  type PodSketch,
  running,
  scheduled,
  waiting,
} from './raw.ts'

const KUEUE = { 'kueue.x-k8s.io/queue-name': 'q' }
const failedJob = { says: [FAILED], failed: 1 }
const completeJob = { says: [COMPLETE], succeeded: 1 }

/** Deleted at 12:00:30 while it ran, and gone. */
const deleted = (task: PodSketch['task'], more: PodSketch = {}): PodSketch => ({
  phase: 'Failed',
  ...(task ? { task } : {}),
  deleted: '12:00:30',
  gone: true,
  ...more,
})
const killed = exited(143, 'Error', '12:00:32')
const TAINT = disrupted('DeletionByTaintManager', 'Taint manager: deleting due to NoExecute taint')
const DRAIN = disrupted('EvictionByEvictionAPI', 'Eviction API: evicting')

type Row = [what: string, look: Look, expected: string]

// biome-ignore format: a row a line
const rows: Row[] = [
  // The Job was deleted: a stop request, unless the workload has ended already.
  ['the Job deleted, its Pod runs', { job: { deleted: '12:00:30' }, pod: { task: running() } }, 'stop deleted'],
  ['the Job deleted, its Pod pending', { job: { deleted: '12:00:30' }, pod: { phase: 'Pending' } }, 'stop deleted'],
  ['the Job deleted before a Pod came', { job: { deleted: '12:00:30' } }, 'stop deleted'],
  ['the Job deleted while it waited in our queue', { job: { deleted: '12:00:30', suspended: true } }, 'stop deleted'],
  ['the Job deleted with its Pod (foreground)', { job: { deleted: '12:00:30' }, pod: { task: running(), deleted: '12:00:30' } }, 'stop deleted'],
  ['the Job deleted while Kueue holds it back: not touched', { job: { deleted: '12:00:30', suspended: true, labels: KUEUE } }, 'failed deleted - retryable stored'],
  ['the Job deleted while Kueue takes it back: its Pod ends first', { job: { deleted: '12:00:30', suspended: true, labels: KUEUE }, pod: { task: running(), deleted: '12:00:29' } }, 'stopping'],
  ['the Job deleted while Kueue runs it', { job: { deleted: '12:00:30', labels: KUEUE }, pod: { task: running() } }, 'stop deleted'],
  ['the Job deleted, its Pod has completed', { job: { deleted: '12:00:30' }, pod: { phase: 'Succeeded', task: exited(0) } }, 'completed 0 stored'],
  ['the Job deleted, its Pod has failed', { job: { deleted: '12:00:30' }, pod: { phase: 'Failed', task: exited(4) } }, 'failed container_exit 4 stored'],
  ['the Job deleted after it was Complete, the Pod gone with it', { job: { deleted: '12:01:30', ...completeJob }, pod: { ...deleted(exited(0), { phase: 'Succeeded', grace: 0 }), deleted: '12:01:30' } }, 'completed 0 stored'],
  ['the Job deleted after it had failed, the Pod gone unseen', { job: { deleted: '12:00:30', ...failedJob }, now: '12:02:00' }, 'failed job_failed - retryable stored'],

  // The Pod was deleted while it ran: first wait for the Job's word.
  ['the Pod is ending', { pod: { task: running(), deleted: '12:00:30' } }, 'stopping until 12:02:00'],
  ['with a long grace period', { pod: { task: running(), deleted: '12:00:30', grace: 600 } }, 'stopping until 12:11:30'],
  ['past its grace period: the node does not answer', { pod: { task: running(), deleted: '12:00:30' }, now: '12:02:00' }, 'stop node_lost'],
  ['without a node, and not ended either', { pod: { phase: 'Pending', node: null, deleted: '12:00:30', grace: 0 }, now: '12:01:30' }, 'stop deleted'],
  ['ended by the deletion, the Job not yet', { pod: deleted(killed, { gone: false }) }, 'stopping until 12:30:30'],
  ['gone, the Job not yet', { pod: deleted(killed) }, 'stopping until 12:30:30'],
  ['gone, and the Job controller silent for half an hour', { pod: deleted(killed), now: '12:30:30' }, 'stop deleted'],
  ['drained, and the Job controller silent for half an hour', { pod: deleted(killed, { conditions: [DRAIN] }), now: '12:30:30' }, 'stop evicted'],
  ['Succeeded and deleted: still never a verdict alone', { pod: deleted(exited(0), { phase: 'Succeeded', gone: false }) }, 'stopping until 12:30:30'],
  ['FailureTarget while it runs', { job: { says: [['FailureTarget', 'BackoffLimitExceeded']] }, pod: { task: running(), deleted: '12:00:30' } }, 'stopping until 12:02:00'],
  ['FailureTarget, and the Pod has ended', { job: { says: [['FailureTarget', 'BackoffLimitExceeded']] }, pod: deleted(killed, { gone: false }) }, 'failed deleted 143 retryable stored'],
  ['FailureTarget, and the Pod is gone', { job: { says: [['FailureTarget', 'BackoffLimitExceeded']] }, pod: deleted(killed) }, 'failed deleted 143 retryable stored'],

  // Then the verdict, by who deleted it.
  ['kubectl delete pod', { job: failedJob, pod: deleted(killed) }, 'failed deleted 143 retryable stored'],
  ['kubectl delete pod, had to be killed', { job: failedJob, pod: deleted(exited(137, 'Error', '12:00:44')) }, 'failed deleted 137 retryable stored'],
  ['a drain', { job: failedJob, pod: deleted(killed, { conditions: [scheduled, DRAIN] }) }, 'failed evicted 143 retryable stored'],
  ['a taint', { job: failedJob, pod: deleted(killed, { conditions: [scheduled, TAINT] }) }, 'failed evicted 143 retryable stored'],
  ['the scheduler, for a Pod of higher priority', { job: failedJob, pod: deleted(killed, { conditions: [disrupted('PreemptionByScheduler')] }) }, 'failed preempted 143 retryable stored'],
  ['the garbage collector, for the node is gone', { job: failedJob, pod: deleted(running(), { conditions: [disrupted('DeletionByPodGC', 'PodGC: node no longer exists')] }) }, 'failed node_lost - retryable stored'],
  ['a disruption nobody knows yet', { job: failedJob, pod: deleted(killed, { conditions: [disrupted('EvictionBySomethingNew')] }) }, 'failed evicted 143 retryable stored'],
  ['evicted by the kubelet, then deleted', { job: failedJob, pod: deleted(killed, { reason: 'Evicted', conditions: [disrupted('TerminationByKubelet')] }) }, 'failed evicted 143 retryable stored'],
  ['shut down with its node, then deleted', { job: failedJob, pod: deleted(killed, { reason: 'Terminated', conditions: [disrupted('TerminationByKubelet')] }) }, 'failed node_shutdown 143 retryable stored'],
  ['NodeLost, of older releases', { job: failedJob, pod: deleted(running(), { reason: 'NodeLost' }) }, 'failed node_lost - retryable stored'],
  ['the node came back without the container', { job: failedJob, pod: deleted(lost) }, 'failed node_lost - retryable stored'],
  ['a forced deletion, its end unseen', { job: failedJob, pod: { task: running(), gone: true } }, 'failed deleted - retryable stored'],
  ['drained, its end unseen', { job: failedJob, pod: { task: running(), gone: true, conditions: [DRAIN] } }, 'failed evicted - retryable stored'],
  ['deleted while it waited for its image', { job: failedJob, pod: deleted(waiting('ErrImagePull'), { phase: 'Pending' }) }, 'failed deleted - retryable stored'],

  // What came first: the end of the task or the deletion.
  ['the polite task exits 0 on SIGTERM, and Kubernetes calls the Job Complete', { job: completeJob, pod: deleted(exited(0, 'Completed', '12:00:32'), { phase: 'Succeeded' }) }, 'failed deleted 0 retryable stored'],
  ['the same in a drain', { job: completeJob, pod: deleted(exited(0, 'Completed', '12:00:32'), { phase: 'Succeeded', conditions: [DRAIN] }) }, 'failed evicted 0 retryable stored'],
  ['completed the second before', { job: completeJob, pod: deleted(exited(0, 'Completed', '12:00:29'), { phase: 'Succeeded' }) }, 'completed 0 stored'],
  ['failed the second before', { job: failedJob, pod: deleted(exited(5, 'Error', '12:00:29')) }, 'failed container_exit 5 stored'],
  ['out of memory before a drain', { job: failedJob, pod: deleted(exited(137, 'OOMKilled', '12:00:10'), { conditions: [DRAIN] }) }, 'failed container_oom 137 stored'],
  ['completed in the same second: not sure', { job: completeJob, pod: deleted(exited(0, 'Completed', '12:00:30'), { phase: 'Succeeded' }) }, 'failed deleted 0 retryable stored'],
  ['the same with no grace period: the kubelet’s own last deletion has 0 too', { job: completeJob, pod: deleted(exited(0, 'Completed', '12:00:30'), { phase: 'Succeeded', grace: 0 }) }, 'failed deleted 0 retryable stored'],
  ['failed in the same second, with no grace period: not sure', { job: failedJob, pod: deleted(exited(5, 'Error', '12:00:30'), { grace: 0 }) }, 'failed deleted 5 retryable stored'],
  ['killed in the same second by a forced deletion', { job: failedJob, pod: deleted(exited(137, 'Error', '12:00:30'), { grace: 0 }) }, 'failed deleted 137 retryable stored'],
  ['setup failed before', { job: failedJob, pod: deleted(waiting('PodInitializing'), { init: { setup: exited(3, 'Error', '12:00:20') } }) }, 'failed setup_command 3 stored'],
  ['setup was ended by the deletion', { job: failedJob, pod: deleted(waiting('PodInitializing'), { init: { setup: exited(143, 'Error', '12:00:31') } }) }, 'failed deleted - retryable stored'],

  // Only the Job speaks.
  ['Complete, its Pod gone unseen', { job: { ...completeJob, says: [['Complete', 'CompletionsReached', '12:00:21']] } }, 'completed 0 stored'],
  ['Complete a moment ago, its Pod still to come', { job: completeJob, now: '12:00:25' }, 'pending until 12:00:51'],
  ['Complete, the Pod seen running is still to end', { job: completeJob, pod: { task: running() }, now: '12:01:00' }, 'running until 12:01:21 ends pod-1'],
  ['Complete, the Pod’s containers have ended and its phase is still to come', { job: completeJob, pod: { task: exited(0) } }, 'completed 0'],
  ['the same while a helper is seen running', { job: completeJob, pod: { task: exited(0), others: { helper: running() } } }, 'completed 0 stored'],
  ['the same with the Pod gone', { job: completeJob, pod: { task: exited(0), gone: true } }, 'completed 0 stored'],
  ['the same, and the Job was deleted', { job: { deleted: '12:01:30', ...completeJob }, pod: { task: exited(0) } }, 'completed 0 stored'],
  ['Complete, the Pod’s end never came', { job: completeJob, pod: { task: running() }, now: '12:01:21' }, 'completed 0 stored'],
  ['Complete, the Pod went while it was seen running', { job: completeJob, pod: { task: running(), gone: true } }, 'completed 0 stored'],
  ['Complete, the Pod went while it was seen being deleted', { job: completeJob, pod: deleted(running(), { phase: 'Running' }) }, 'failed deleted - retryable stored'],
  ['BackoffLimitExceeded, no Pod seen', { job: failedJob, now: '12:01:15' }, 'failed job_failed - retryable stored'],
  ['BackoffLimitExceeded a moment ago, its Pod still to come', { job: failedJob, now: '12:00:50' }, 'pending until 12:01:15'],
  ['Failed, the Pod seen running is still to end', { job: failedJob, pod: { task: running() } }, 'running until 12:01:45 ends pod-1'],
  ['Failed, the Pod’s end never came', { job: failedJob, pod: { task: running() }, now: '12:01:45' }, 'failed job_failed - retryable unstopped stored'],
  ['Failed, its Pod runs on and is being deleted: no more can be done', { job: failedJob, pod: { task: running(), deleted: '12:00:50' } }, 'stopping until 12:02:20'],
  ['Failed, two Pods of it run on', { job: failedJob, pods: [{ name: 'pod-1', task: running() }, { name: 'pod-2', task: running() }] }, 'running until 12:01:45 ends pod-1, pod-2'],
  ['Failed as older releases say it: while the Pod is still ending', { job: failedJob, pod: { task: running(), deleted: '12:00:45', grace: 600 }, now: '12:05:00' }, 'stopping until 12:11:45'],
  ['PodFailurePolicy, no Pod seen', { job: { says: [['Failed', 'PodFailurePolicy']] } }, 'failed job_failed - retryable stored'],
  ['PodFailurePolicy, the Pod tells', { job: { says: [['Failed', 'PodFailurePolicy']] }, pod: { phase: 'Failed', task: exited(42) } }, 'failed container_exit 42'],
  ['DeadlineExceeded without our mark, in the queue of nodes', { job: { says: [PAST_DEADLINE] }, pod: deleted(undefined, { phase: 'Pending', node: null }) }, 'failed active_deadline - stored'],
  ['DeadlineExceeded without our mark, running', { job: { says: [PAST_DEADLINE], failed: 1 }, pod: deleted(killed) }, 'failed active_deadline 143 stored'],
  ['DeadlineExceeded without our mark, exits 0', { job: { says: [PAST_DEADLINE], failed: 1 }, pod: deleted(exited(0, 'Completed', '12:00:32')) }, 'failed active_deadline 0 stored'],
  ['DeadlineExceeded without our mark, no Pod seen', { job: { says: [PAST_DEADLINE] } }, 'failed active_deadline - stored'],
  ['DeadlineExceeded, but the task had completed', { job: { says: [PAST_DEADLINE] }, pod: { phase: 'Succeeded', task: exited(0) } }, 'completed 0'],
  ['DeadlineExceeded, but the task had failed', { job: { says: [PAST_DEADLINE], failed: 1 }, pod: deleted(exited(8, 'Error', '12:00:12')) }, 'failed container_exit 8 stored'],
  ['SuccessCriteriaMet, and the Pod gone', { job: { says: [['SuccessCriteriaMet', 'CompletionsReached']] }, pod: { phase: 'Succeeded', task: exited(0), gone: true } }, 'completed 0 stored'],
  ['FailureTarget, and no Pod seen: wait for Failed', { job: { says: [['FailureTarget', 'DeadlineExceeded']] } }, 'stopping'],
  ['a condition that says False', { job: { says: [] }, pod: { task: running() } }, 'running until 13:00:11'],

  // The operator lets Kubernetes replace a disrupted Pod (retry_on_disruption).
  // After the end of an API server: the controller has not heard of its first Pod, makes another, and takes one back.
  ['two Pods of the controller’s making, one is taken back, the other runs', { pods: [{ task: running() }, { name: 'pod-2', created: '12:00:01', task: running(), deleted: '12:00:20' }] }, 'running until 13:00:11'],
  ['two Pods, one taken back, the other completed', { job: completeJob, pods: [{ phase: 'Succeeded', task: exited(0) }, { ...deleted(exited(0), { phase: 'Succeeded' }), name: 'pod-2', created: '12:00:01', gone: false }] }, 'completed 0'],
  ['two Pods, one taken back, the other failed by itself', { job: failedJob, pods: [{ phase: 'Failed', task: exited(3) }, { ...deleted(killed), name: 'pod-2', created: '12:00:01', gone: false }] }, 'failed container_exit 3'],
  ['two Pods, the first is taken back and is gone', { job: completeJob, pods: [deleted(exited(0), { gone: true }), { name: 'pod-2', created: '12:00:01', phase: 'Succeeded', task: exited(0) }] }, 'completed 0'],
  ['evicted, its new Pod is deleted by hand', { job: { retriesDisruption: true, ...failedJob }, pods: [{ phase: 'Failed', reason: 'Evicted', task: killed, conditions: [scheduled, disrupted('TerminationByKubelet')] }, { ...deleted(killed), name: 'pod-2', created: '12:00:40', gone: false }] }, 'failed deleted 143 retryable stored'],
  ['evicted, its new Pod runs', { job: { retriesDisruption: true }, pods: [{ phase: 'Failed', reason: 'Evicted', task: killed, conditions: [scheduled, disrupted('TerminationByKubelet')] }, { name: 'pod-2', created: '12:00:40', task: running('12:00:45') }] }, 'running until 13:00:46'],
  ['evicted, its new Pod completed', { job: { retriesDisruption: true }, pods: [{ phase: 'Failed', reason: 'Evicted', task: killed, conditions: [scheduled, disrupted('TerminationByKubelet')] }, { name: 'pod-2', created: '12:00:40', phase: 'Succeeded', task: exited(0, 'Completed', '12:00:50') }] }, 'completed 0'],
  ['drained, its new Pod failed by itself', { job: { retriesDisruption: true, ...failedJob }, pods: [deleted(killed, { conditions: [DRAIN] }), { name: 'pod-2', created: '12:00:40', phase: 'Failed', task: exited(3, 'Error', '12:00:50') }] }, 'failed container_exit 3'],

  // Kueue takes a task back: it will run again.
  ['suspended, its Pod ending', { job: { suspended: true, labels: KUEUE }, pod: { task: running(), deleted: '12:00:30' } }, 'queued'],
  ['suspended, its Pod gone', { job: { suspended: true, labels: KUEUE }, pod: deleted(killed) }, 'queued'],
  ['suspended, its node lost', { job: { suspended: true, labels: KUEUE }, pod: { task: running(), deleted: '12:00:30' }, now: '13:00:00' }, 'queued'],
  ['resumed, its new Pod not yet created', { job: { started: '12:00:50', resumed: '12:00:50', labels: KUEUE }, pod: deleted(killed) }, 'pending until 12:01:50'],
  ['resumed, and no Pod comes', { job: { started: '12:00:50', resumed: '12:00:50', labels: KUEUE }, pod: deleted(killed), now: '12:01:50' }, 'stop job_create'],
  ['resumed after hours, the controller has not noticed', { job: { says: [['Suspended', 'JobSuspended', '12:00:31']], labels: KUEUE }, pod: deleted(killed), now: '15:00:00' }, 'pending'],
  ['resumed and completed, the new Pod unseen', { job: { started: '12:00:50', labels: KUEUE, ...completeJob }, pod: deleted(killed) }, 'completed 0 stored'],
  ['resumed and running again', { job: { started: '12:00:50', resumed: '12:00:50', labels: KUEUE }, pods: [deleted(killed), { name: 'pod-2', created: '12:00:51', task: running('12:00:55') }] }, 'running until 13:00:56'],
  ['resumed and completed', { job: { started: '12:00:50', labels: KUEUE }, pods: [deleted(killed), { name: 'pod-2', created: '12:00:51', phase: 'Succeeded', task: exited(0, 'Completed', '12:00:58') }] }, 'completed 0'],
]

for (const [what, sketch, expected] of rows) {
  test(`${what}: ${expected}`, () => assert.equal(line(look(sketch)), expected))
}
