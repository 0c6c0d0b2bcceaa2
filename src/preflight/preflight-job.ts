// The check `preflight-job`: one small Job is really run, because only a Pod shows what nodes, registries and runtimes say. Its Job has another worker
// label than tasks have, so that no informer sees it, and ends and goes by itself if we die.
import type { V1Job } from '@kubernetes/client-node'
import { type Clock, sleep } from '../lib/clock.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import type { KubeResult, ListPage, PatchKind } from '../model/kube-api.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'

export interface JobApi {
  namespace: string
  createJob(job: unknown): Promise<KubeResult<unknown>>
  patchJob(name: string, kind: PatchKind, patch: unknown): Promise<KubeResult<unknown>>
  deleteJob(name: string): Promise<KubeResult<null>>
  list(resource: 'pods', query: { labelSelector: string; limit: number }): Promise<KubeResult<ListPage>>
}

const NAME = 'preflight-job'
const LOOK_EVERY_MS = 500

/** `deadlineMs`: how long its Pod may take from creation to the end of its container. */
export async function checkPreflightJob(
  deps: { api: JobApi; clock: Clock },
  options: { job: V1Job; deadlineMs: number },
  signal?: AbortSignal,
): Promise<CheckResult> {
  const { api, clock } = deps
  const name = options.job.metadata?.name ?? ''
  const created = await api.createJob(options.job)
  if (!created.ok)
    return failed(NAME, 'the preflight Job was refused', oneLine(created.error.message), 'see the checks permissions and dry-run')
  try {
    const untilMs = clock.now() + options.deadlineMs
    let seen: PodState = { kind: 'waiting', why: 'no Pod was created', fix: `kubectl -n ${api.namespace} describe job ${name}` }
    while (clock.now() < untilMs) {
      const pods = await api.list('pods', { labelSelector: `batch.kubernetes.io/job-name=${name}`, limit: 5 })
      const pod = pods.ok ? (pods.value.items.at(-1) as PodLike | undefined) : undefined
      if (pod) seen = podState(pod, api.namespace)
      if (seen.kind !== 'waiting') break
      await sleep(clock, LOOK_EVERY_MS, signal)
    }
    return judge(seen, options.deadlineMs)
  } finally {
    await remove(api, name)
  }
}

/** Without the right to delete, the Job's own time to live does it. */
async function remove(api: JobApi, name: string): Promise<void> {
  const deleted = await api.deleteJob(name)
  if (!deleted.ok) await api.patchJob(name, 'merge', { spec: { activeDeadlineSeconds: 1, ttlSecondsAfterFinished: 0 } })
}

interface ContainerState {
  waiting?: { reason?: string; message?: string }
  terminated?: { exitCode?: number; reason?: string; message?: string }
}

/** A Pod as the API sends it, as far as it is read here. */
export interface PodLike {
  metadata?: { name?: string }
  status?: {
    phase?: string
    reason?: string
    message?: string
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
    initContainerStatuses?: { name: string; state?: ContainerState }[]
    containerStatuses?: { name: string; state?: ContainerState }[]
  }
}

export type PodState = { kind: 'done' } | { kind: 'failed'; why: string; fix: string } | { kind: 'waiting'; why: string; fix: string }

/** How far the Pod is. Pure. */
export function podState(pod: PodLike, namespace: string): PodState {
  const { status = {}, metadata } = pod
  const see = `kubectl -n ${namespace} describe pod ${metadata?.name ?? ''}`
  const init = status.initContainerStatuses ?? []
  const main = (status.containerStatuses ?? []).filter((each) => each.name === TASK_CONTAINER)
  for (const { name, state } of [...init, ...main]) {
    const ended = state?.terminated
    if (!ended || ended.exitCode === 0) continue
    const words = [ended.reason, ended.message].filter(Boolean).join(': ')
    const fix = init.some((each) => each.name === name)
      ? 'use an image with sh and tar as backend.kubernetes.preflight_image, or set backend.kubernetes.use_image_volumes: true'
      : 'use an image with a shell as backend.kubernetes.preflight_image'
    return { kind: 'failed', why: `container ${name} ended with ${ended.exitCode}${words === '' ? '' : ` (${oneLine(words)})`}`, fix }
  }
  if (main[0]?.state?.terminated) return { kind: 'done' }
  if (status.phase === 'Failed')
    return { kind: 'failed', why: oneLine([status.reason, status.message].filter(Boolean).join(': ')) || 'the Pod failed', fix: see }
  const waiting = [...init, ...main].find(
    ({ state }) => (state?.waiting?.reason ?? 'PodInitializing') !== 'PodInitializing' && state?.waiting?.reason !== 'ContainerCreating',
  )
  if (waiting) {
    const { reason = '', message = '' } = waiting.state?.waiting ?? {}
    const image = /Image|Registry/.test(reason)
    const fix = image ? 'correct backend.kubernetes.preflight_image, or the pull secret (imagePullSecrets)' : see
    // These do not get better by themselves: a back-off has followed several tries.
    const kind = /^(ImagePullBackOff|InvalidImageName|ErrImageNeverPull)$/.test(reason) ? 'failed' : 'waiting'
    return { kind, why: `container ${waiting.name} waits: ${oneLine(`${reason}: ${message}`)}`, fix }
  }
  const scheduled = status.conditions?.find((condition) => condition.type === 'PodScheduled')
  if (scheduled?.status === 'False') {
    return {
      kind: 'waiting',
      why: `no node takes the Pod: ${oneLine(scheduled.message ?? scheduled.reason ?? '')}`,
      fix: 'add a node it fits on, or change requests, node selector and tolerations in backend.kubernetes',
    }
  }
  return { kind: 'waiting', why: `the Pod is ${status.phase ?? 'new'}`, fix: see }
}

function judge(state: PodState, deadlineMs: number): CheckResult {
  if (state.kind === 'done') return ok(NAME, 'a Job with backend.kubernetes.preflight_image ran to its end')
  if (state.kind === 'failed') return failed(NAME, 'the preflight Job failed', state.why, state.fix)
  return warning(NAME, `the preflight Job was not done after ${Math.round(deadlineMs / 1000)} s`, state.why, state.fix)
}
