// Fills the API server with tasks as jobhook would have left them, so that lists, caches and idle replicas have something to carry.

import { loadCheckedConfig } from '../../src/app/checked-config.ts'
import { jobSpecOptions, settingsOf } from '../../src/config/index.ts'
import { buildTask } from '../../src/jobspec/index.ts'
import { ANNOTATIONS } from '../../src/model/keys.ts'
import { assignmentText } from './assignments.ts'
import { configOf } from './jobhook.ts'
import { createRawClient, inParallel, jobsPath, podsPath } from './kube.ts'
import type { Plane } from './plane.ts'

/** Beyond this many at once the API server only queues. */
const CONCURRENCY = 48

/** `live`: as just accepted. `finished`: run, reported and closed, with their Pods. */
export type Filling = 'live' | 'finished'

/** Jobs numbered from `from` to `to`-1. */
export async function fillTasks(plane: Plane, filling: Filling, from: number, to: number): Promise<void> {
  const client = createRawClient(plane.admin, CONCURRENCY)
  const manifest = jobManifests(plane.namespace)
  try {
    await inParallel(to - from, CONCURRENCY, async (index) => {
      const job = manifest(`fill-${from + index}`, filling)
      const created = await client.send('POST', jobsPath(plane.namespace), JSON.stringify(job))
      if (created.status !== 201) throw new Error(`a Job could not be made: ${created.status} ${created.text}`)
      if (filling === 'live') return
      const { metadata } = JSON.parse(created.text) as { metadata: { name: string; uid: string } }
      await patchStatus(`${jobsPath(plane.namespace)}/${metadata.name}`, finishedJobStatus())
      const pod = podOf(metadata, job.spec.template, plane.namespace)
      const madePod = await client.send('POST', podsPath(plane.namespace), JSON.stringify(pod))
      if (madePod.status !== 201) throw new Error(`a Pod could not be made: ${madePod.status} ${madePod.text}`)
      await patchStatus(`${podsPath(plane.namespace)}/${metadata.name}-abcde`, finishedPodStatus())
    })
  } finally {
    await client.close()
  }

  async function patchStatus(path: string, status: object): Promise<void> {
    const answer = await client.send('PATCH', `${path}/status`, JSON.stringify({ status }), 'application/merge-patch+json')
    if (answer.status !== 200) throw new Error(`a status could not be written: ${answer.status} ${answer.text}`)
  }
}

/** Pods alone, as a Job's template makes them: for lists of Pods. */
export async function fillPods(plane: Plane, count: number): Promise<void> {
  const client = createRawClient(plane.admin, CONCURRENCY)
  const manifest = jobManifests(plane.namespace)
  try {
    await inParallel(count, CONCURRENCY, async (index) => {
      const job = manifest(`fill-${index}`, 'live')
      const uid = `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`
      const pod = podOf({ name: job.metadata.name, uid }, job.spec.template, plane.namespace)
      const { status, text } = await client.send('POST', podsPath(plane.namespace), JSON.stringify(pod))
      if (status !== 201) throw new Error(`a Pod could not be made: ${status} ${text}`)
    })
  } finally {
    await client.close()
  }
}

interface Manifest {
  metadata: { name: string; annotations: Record<string, string>; finalizers?: string[] }
  spec: { template: { metadata: { labels: Record<string, string> }; spec: object } }
}

function jobManifests(namespace: string): (taskId: string, filling: Filling) => Manifest {
  const loaded = loadCheckedConfig({ file: null, content: configOf({ kubeconfig: '/none', callbackUrl: 'http://127.0.0.1:9/' }), env: {} })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
  const spec = jobSpecOptions(loaded.config, settingsOf(loaded.config), namespace, {})
  return (taskId, filling) => {
    const { data } = JSON.parse(assignmentText(taskId)) as { data: Parameters<typeof buildTask>[0] }
    const built = buildTask(data, spec, { nonce: 'nonce', callbackUrl: null, traceparent: null })
    if (!built.ok) throw new Error(JSON.stringify(built.errors))
    const job = built.job as unknown as Manifest
    if (filling === 'finished') {
      const closed = { state: 'delivered', attempts: 1, reported_at: new Date().toISOString() }
      job.metadata.annotations[`jobhook.dev/${ANNOTATIONS.delivery}`] = JSON.stringify(closed)
      delete job.metadata.finalizers
    }
    return job
  }
}

function podOf(job: { name: string; uid: string }, template: Manifest['spec']['template'], namespace: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      ...template.metadata,
      name: `${job.name}-abcde`,
      namespace,
      labels: { ...template.metadata.labels, 'batch.kubernetes.io/job-name': job.name, 'batch.kubernetes.io/controller-uid': job.uid },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.name, uid: job.uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: template.spec,
  }
}

function finishedJobStatus(): object {
  const now = wholeSeconds()
  const condition = (type: string) => ({ type, status: 'True', reason: 'CompletionsReached', lastTransitionTime: now, lastProbeTime: now })
  return {
    startTime: now,
    completionTime: now,
    succeeded: 1,
    ready: 0,
    terminating: 0,
    uncountedTerminatedPods: {},
    conditions: [condition('SuccessCriteriaMet'), condition('Complete')],
  }
}

function finishedPodStatus(): object {
  const now = wholeSeconds()
  return {
    phase: 'Succeeded',
    startTime: now,
    conditions: [{ type: 'PodScheduled', status: 'True', lastTransitionTime: now }],
    containerStatuses: [
      {
        name: 'task',
        image: 'registry.local/task:1',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } },
      },
    ],
  }
}

function wholeSeconds(): string {
  return new Date().toISOString().replace(/\.\d+Z$/, 'Z')
}
