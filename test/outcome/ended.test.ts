// A Pod that has ended and that nobody stopped or deleted: the verdict comes from the Pod alone, without waiting for the Job's condition.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  condition,
  disrupted,
  exited,
  FAILED,
  type JobSketch,
  line,
  look,
  lost,
  type PodSketch,
  running,
  scheduled,
  startError,
  waiting,
} from './raw.ts'

const failed = (task: PodSketch['task'], more: PodSketch = {}): PodSketch => ({ phase: 'Failed', ...(task ? { task } : {}), ...more })
const done = (task: PodSketch['task'], more: PodSketch = {}): PodSketch => ({ phase: 'Succeeded', ...(task ? { task } : {}), ...more })
const initialising = waiting('PodInitializing')

type Row = [what: string, pod: PodSketch, expected: string, job?: JobSketch]

// biome-ignore format: a row a line
const rows: Row[] = [
  // The task's container by itself.
  ['exit 0', done(exited(0)), 'completed 0'],
  ['exit 0 although a child was killed for memory', done(exited(0, 'OOMKilled')), 'completed 0'],
  ['exit 1', failed(exited(1)), 'failed container_exit 1'],
  ['exit 7', failed(exited(7)), 'failed container_exit 7'],
  ['exit 2, the Job has noticed too', failed(exited(2)), 'failed container_exit 2', { says: [FAILED], failed: 1 }],
  ['exit 255, which is no signal', failed(exited(255)), 'failed container_exit 255'],
  ['exit 127: a shell did not find the command', failed(exited(127)), 'failed container_exit 127'],
  ['exit 126: a shell could not run the command', failed(exited(126)), 'failed container_exit 126'],
  ['exit 137 without a reason: a SIGKILL from inside', failed(exited(137)), 'failed container_exit 137'],
  ['exit 139: a segmentation fault', failed(exited(139)), 'failed container_exit 139'],
  ['exit 143: a SIGTERM from inside', failed(exited(143)), 'failed container_exit 143'],
  ['a signal instead of a code', failed(exited(0, 'Error', '12:00:20', { signal: 9 })), 'failed container_exit 137'],
  ['a signal beside a code', failed(exited(137, 'Error', '12:00:20', { signal: 9 })), 'failed container_exit 137'],
  ['signal 0, which means none', done(exited(0, 'Completed', '12:00:20', { signal: 0 })), 'completed 0'],
  ['a Windows status', failed(exited(3221225786)), 'failed container_exit 3221225786'],
  ['an unknown termination reason', failed(exited(5, 'SomethingNew')), 'failed container_exit 5'],
  ['no termination reason', failed(exited(5, '')), 'failed container_exit 5'],
  ['OOMKilled, 137', failed(exited(137, 'OOMKilled')), 'failed container_oom 137'],
  ['OOMKilled, a shell that passed on another code', failed(exited(1, 'OOMKilled')), 'failed container_oom 1'],
  ['StartError', failed(startError('exec: "nope": executable file not found in $PATH')), 'failed container_start 128'],
  ['ContainerCannotRun, as Docker says it', failed(exited(127, 'ContainerCannotRun')), 'failed container_start 127'],
  ['the kubelet found no trace of the container', failed(lost), 'failed node_lost - retryable'],

  // What else runs in the Pod never decides.
  ['a native sidecar killed at the end', done(exited(0), { init: { '*proxy': exited(137) } }), 'completed 0'],
  ['a native sidecar that failed', failed(exited(0), { init: { '*proxy': exited(1) } }), 'completed 0'],
  ['another container that failed', failed(exited(0), { others: { helper: exited(1) } }), 'completed 0'],
  ['another container that succeeded', failed(exited(4), { others: { helper: exited(0) } }), 'failed container_exit 4'],
  ['another container killed for memory', failed(exited(0), { others: { helper: exited(137, 'OOMKilled') } }), 'completed 0'],
  ['both failed', failed(exited(3), { others: { helper: exited(9) } }), 'failed container_exit 3'],

  // Preparation.
  ['the setup command failed', failed(initialising, { init: { setup: exited(3) } }), 'failed setup_command 3'],
  ['the setup command ran out of memory', failed(initialising, { init: { setup: exited(137, 'OOMKilled') } }), 'failed setup_command 137'],
  ['a sidecar’s files could not be copied', failed(initialising, { init: { 'copy-sidecar-0': exited(1), setup: null } }), 'failed sidecar_prep 1'],
  ['a sidecar image without a shell', failed(initialising, { init: { 'copy-sidecar-1': startError('no /bin/sh') } }), 'failed sidecar_prep 128'],
  ['the second of two sidecars', failed(initialising, { init: { 'copy-sidecar-0': exited(0), 'copy-sidecar-1': exited(2) } }), 'failed sidecar_prep 2'],
  ['an init container of the template', failed(initialising, { init: { wait: exited(9) } }), 'failed init_container 9'],
  ['a name that only looks like ours', failed(initialising, { init: { 'setup-db': exited(9) } }), 'failed init_container 9'],

  // The kubelet ended it, without deleting it.
  ['evicted for the node’s memory', failed(exited(137), { reason: 'Evicted', message: 'The node was low on resource: memory.', conditions: [scheduled, disrupted('TerminationByKubelet')] }), 'failed evicted 137 retryable'],
  ['evicted for its own disk use', failed(exited(137), { reason: 'Evicted', message: 'Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. ' }), 'failed evicted 137'],
  ['evicted for the size of its workspace', failed(exited(143), { reason: 'Evicted', message: 'Usage of EmptyDir volume "workspace" exceeds the limit "1Gi". ' }), 'failed evicted 143'],
  ['evicted before anything ran', failed(undefined, { reason: 'Evicted', message: 'The node had condition: [DiskPressure]. ' }), 'failed evicted - retryable'],
  ['evicted, and the polite task exits 0', failed(exited(0, 'Completed', '12:00:20'), { reason: 'Evicted', conditions: [disrupted('TerminationByKubelet', '', '12:00:19')] }), 'failed evicted 0 retryable'],
  ['evicted, exit 0, and nothing says when', failed(exited(0), { reason: 'Evicted' }), 'failed evicted 0 retryable'],
  ['completed, and evicted a second later while a helper ran on', failed(exited(0, 'Completed', '12:00:20'), { reason: 'Evicted', others: { helper: exited(137) }, conditions: [disrupted('TerminationByKubelet', '', '12:00:21')] }), 'completed 0'],
  ['failed, and evicted long after', failed(exited(6, 'Error', '12:00:20'), { reason: 'Evicted', conditions: [disrupted('TerminationByKubelet', '', '12:00:50')] }), 'failed container_exit 6'],
  ['evicted, and no trace of its container', failed(lost, { reason: 'Evicted', message: 'Pod was terminated' }), 'failed evicted - retryable'],
  ['preempted by a critical Pod', failed(exited(143), { reason: 'Preempting', message: 'Preempted in order to admit critical pod' }), 'failed preempted 143 retryable'],
  ['the node shut down', failed(exited(143), { reason: 'Terminated', message: 'Pod was terminated in response to imminent node shutdown.' }), 'failed node_shutdown 143 retryable'],
  ['the node was shutting down already', failed(undefined, { reason: 'NodeShutdown', message: 'Pod was rejected as the node is shutting down.' }), 'failed node_shutdown - retryable'],
  ['TerminationByKubelet and no other word', failed(exited(143), { conditions: [disrupted('TerminationByKubelet')] }), 'failed evicted 143 retryable'],
  ['somebody meant to evict it, but it ended first', failed(exited(6), { conditions: [disrupted('EvictionByEvictionAPI')] }), 'failed container_exit 6'],
  ['somebody meant to preempt it, but it completed', done(exited(0), { conditions: [disrupted('PreemptionByScheduler')] }), 'completed 0'],
  ['a disruption that was called off', failed(exited(6), { conditions: [condition('DisruptionTarget', 'False', '12:00:15', 'TerminationByKubelet')] }), 'failed container_exit 6'],
  ['the Pod’s own activeDeadlineSeconds', failed(exited(143), { reason: 'DeadlineExceeded', message: 'Pod was active on the node longer than the specified deadline' }), 'failed active_deadline 143'],

  // The kubelet refused it.
  ['OutOfcpu', failed(undefined, { reason: 'OutOfcpu', message: 'Node didn’t have enough resource: cpu' }), 'failed unschedulable - retryable'],
  ['OutOfmemory', failed(undefined, { reason: 'OutOfmemory' }), 'failed unschedulable - retryable'],
  ['OutOfpods', failed(undefined, { reason: 'OutOfpods' }), 'failed unschedulable - retryable'],
  ['OutOfephemeral-storage', failed(undefined, { reason: 'OutOfephemeral-storage' }), 'failed unschedulable - retryable'],
  ['OutOfnvidia.com/gpu', failed(undefined, { reason: 'OutOfnvidia.com/gpu' }), 'failed unschedulable - retryable'],
  ['NodeAffinity', failed(undefined, { reason: 'NodeAffinity', message: 'Pod was rejected: Predicate NodeAffinity failed' }), 'failed unschedulable - retryable'],
  ['UnexpectedAdmissionError', failed(undefined, { reason: 'UnexpectedAdmissionError', message: 'Allocate failed due to no devices' }), 'failed unschedulable - retryable'],
  ['TopologyAffinityError', failed(undefined, { reason: 'TopologyAffinityError' }), 'failed unschedulable - retryable'],
  ['a reason nobody knows', failed(undefined, { reason: 'SysctlForbidden', message: 'forbidden sysctl' }), 'failed unknown -'],
  ['no reason at all', failed(undefined), 'failed unknown -'],

  // Odd but possible.
  ['Succeeded, and no container status', done(undefined), 'completed 0'],
  ['Succeeded, and an unreadable container state', done({}), 'completed 0'],
  ['a terminated state without an exit code is no success', failed({ terminated: { reason: 'Error' } }), 'failed unknown -'],
  ['the Job was let go by Kueue just then', done(exited(0)), 'completed 0', { suspended: true }],
  ['the Job was deleted after the Pod had ended', done(exited(0)), 'completed 0 stored', { deleted: '12:00:30' }],
  ['the Pod was garbage-collected after it had ended', done(exited(0), { gone: true }), 'completed 0 stored'],
  ['an eviction that the Job itself answers with a new Pod', failed(exited(137), { reason: 'Evicted', conditions: [disrupted('TerminationByKubelet')] }), 'stopping until 12:30:20', { retriesDisruption: true }],
  ['the same, but the Job gave up', failed(exited(137), { reason: 'Evicted', conditions: [disrupted('TerminationByKubelet')] }), 'failed evicted 137 retryable stored', { retriesDisruption: true, says: [FAILED], failed: 1 }],
  ['a plain failure where only disruptions are retried', failed(exited(5)), 'failed container_exit 5', { retriesDisruption: true }],
  ['called Failed by the garbage collector while its container may run', failed(running(), { node: 'n9' }), 'running until 13:00:11'],
]

for (const [what, pod, expected, job] of rows) {
  test(`${what}: ${expected}`, () => assert.equal(line(look({ pod, ...(job ? { job } : {}) })), expected))
}
