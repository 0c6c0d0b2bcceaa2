// A cluster with a past: many finished tasks of the last hours, written as the embedded cluster keeps its state (embedded.data_dir). For what needs
// thousands of tasks, or times of long ago.
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { taskLabels, taskNames } from '../../src/jobspec/names.ts'

export interface PastTask {
  taskId: string
  title?: string
  labels?: Record<string, string>
  /** Before now, in seconds. */
  acceptedSecondsAgo: number
  waitSeconds: number
  pullSeconds: number
  runSeconds: number
  reportSeconds: number
  exitCode: number
  reason?: string
}

const iso = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

export function writePast(folder: string, workerId: string, tasks: readonly PastTask[], nowMs = Date.now()): void {
  const jobs: unknown[] = []
  const pods: unknown[] = []
  let revision = 1_000
  for (const task of tasks) {
    const names = taskNames({ workerId, taskId: task.taskId, executionId: task.taskId })
    const labels = {
      ...taskLabels(names),
      ...Object.fromEntries(Object.entries(task.labels ?? {}).map(([name, value]) => [`labels.jobhook.dev/${name}`, value])),
    }
    const acceptedMs = nowMs - task.acceptedSecondsAgo * 1000
    const scheduledMs = acceptedMs + task.waitSeconds * 1000
    const startedMs = scheduledMs + task.pullSeconds * 1000
    const finishedMs = startedMs + task.runSeconds * 1000
    // The cluster cuts times to seconds; when a report was acknowledged is jobhook's own word, to the millisecond.
    const reportedMs = Math.floor(finishedMs / 1000) * 1000 + task.reportSeconds * 1000
    const uid = randomUUID()
    const container = { name: 'task', image: 'registry.example/dev:1.4', command: ['/bin/sh', '-c'], args: ['make test'], resources: {} }
    const template = { metadata: { labels }, spec: { restartPolicy: 'Never', containers: [container], terminationGracePeriodSeconds: 30 } }
    const failed = task.exitCode !== 0
    const condition = (type: string, reason: string, atMs: number) => ({
      type,
      status: 'True',
      reason,
      message: '',
      lastProbeTime: iso(atMs),
      lastTransitionTime: iso(atMs),
    })
    jobs.push({
      kind: 'Job',
      apiVersion: 'batch/v1',
      metadata: {
        name: names.jobName,
        namespace: 'default',
        uid,
        labels,
        creationTimestamp: iso(acceptedMs),
        generation: 1,
        resourceVersion: String(++revision),
        annotations: {
          'jobhook.dev/task-id': task.taskId,
          'jobhook.dev/execution-id': task.taskId,
          'jobhook.dev/schema': '1',
          'jobhook.dev/digest': '{}',
          'jobhook.dev/delivery': JSON.stringify({ state: 'delivered', attempts: 1, reported_at: new Date(reportedMs).toISOString() }),
          ...(task.title === undefined ? {} : { 'jobhook.dev/title': task.title }),
        },
      },
      spec: { backoffLimit: 0, parallelism: 1, completions: 1, suspend: false, ttlSecondsAfterFinished: 864_000, template },
      status: {
        startTime: iso(acceptedMs),
        ready: 0,
        terminating: 0,
        ...(failed ? { failed: 1 } : { succeeded: 1, completionTime: iso(finishedMs) }),
        conditions: [
          failed ? condition('Failed', 'BackoffLimitExceeded', finishedMs) : condition('Complete', 'CompletionsReached', finishedMs),
        ],
      },
    })
    pods.push({
      kind: 'Pod',
      apiVersion: 'v1',
      metadata: {
        name: `${names.jobName}-${uid.slice(0, 5)}`,
        namespace: 'default',
        uid: randomUUID(),
        labels: { ...labels, 'batch.kubernetes.io/job-name': names.jobName, 'batch.kubernetes.io/controller-uid': uid },
        creationTimestamp: iso(acceptedMs),
        resourceVersion: String(++revision),
        ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: names.jobName, uid, controller: true, blockOwnerDeletion: true }],
      },
      spec: { ...template.spec, nodeName: `node-${1 + (jobs.length % 3)}` },
      status: {
        phase: failed ? 'Failed' : 'Succeeded',
        conditions: [condition('PodScheduled', '', scheduledMs)],
        startTime: iso(scheduledMs),
        containerStatuses: [
          {
            name: 'task',
            image: container.image,
            imageID: '',
            ready: false,
            restartCount: 0,
            lastState: {},
            state: {
              terminated: {
                exitCode: task.exitCode,
                reason: task.reason ?? (failed ? 'Error' : 'Completed'),
                startedAt: iso(startedMs),
                finishedAt: iso(finishedMs),
              },
            },
          },
        ],
      },
    })
  }
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'state.json'), JSON.stringify({ revision, objects: { 'jobs.batch': jobs, pods } }))
}

const VERBS = ['Fix', 'Review', 'Refactor', 'Test', 'Document', 'Upgrade', 'Profile', 'Migrate']
const THINGS = [
  'the login form',
  'the build',
  'billing webhooks',
  'the search index',
  'retries in the mailer',
  'the Postgres driver',
  'flaky tests',
  'the onboarding page',
]
const TEAMS = ['web', 'billing', 'search', 'platform']

/** So many tasks of the last hours: always the same for the same number, most of them fine. */
export function somePast(count: number, spreadSeconds: number): PastTask[] {
  let seed = 7
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
    return seed / 2_147_483_648
  }
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? ''
  return Array.from({ length: count }, (_, index) => {
    const failed = random() < 0.06
    const oom = random() < 0.3
    const runSeconds = Math.ceil(5 + random() ** 3 * 240)
    const pullSeconds = Math.floor(random() * 6)
    const acceptedSecondsAgo = Math.floor(((index + 1) / count) * spreadSeconds) + runSeconds + pullSeconds + 12
    return {
      taskId: `run-${10_000 + count - index}`,
      title: `${pick(VERBS)} ${pick(THINGS)}`,
      labels: { team: pick(TEAMS) },
      acceptedSecondsAgo,
      waitSeconds: Math.floor(random() * 3),
      pullSeconds,
      runSeconds,
      reportSeconds: 0.06 + random() ** 5 * 3,
      exitCode: failed ? (oom ? 137 : 1) : 0,
      ...(failed && oom ? { reason: 'OOMKilled' } : {}),
    }
  })
}
