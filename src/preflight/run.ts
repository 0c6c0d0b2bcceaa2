// The order of the checks. `runBlocking` asks only what tells whether every task would fail, in few requests, for the start of the service;
// `runAll` is the doctor's round.
import type { V1PodSpec } from '@kubernetes/client-node'
import type { Clock } from '../lib/clock.ts'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import { checkExcess, checkPermissions } from './access.ts'
import type { PreflightApi, Sample, Samples } from './api.ts'
import { type CallbackTarget, checkCallback } from './callback-probe.ts'
import { type CheckResult, failed } from './check.ts'
import { checkClock } from './clock-skew.ts'
import { connectionProblem, type Endpoint } from './connection.ts'
import { checkDryRun, checkPodAdmission, keepsImageVolumes } from './dry-run.ts'
import type { LimitRange, ResourceQuota } from './limits.ts'
import type { Need } from './permissions.ts'
import { checkPodSecurity } from './pod-security-check.ts'
import { checkPreflightJob, type JobApi } from './preflight-job.ts'
import { checkRoom } from './room.ts'
import { type ConfiguredSecrets, checkSecrets } from './secret-strength.ts'
import { judgeImageVolumes, judgeNamespaceDeletion, judgeVersion, type KubeVersion, parseVersion } from './version.ts'

export interface PreflightOptions {
  endpoint: Endpoint
  samples: Samples
  /** Which rights the configuration makes use of. */
  needs: ReadonlySet<Need>
  usesImageVolumes: boolean
  /** Whether Jobs bear our finalizer. */
  holdsJobs: boolean
  /** The preflight Job and how long it may take; null: none is configured. */
  preflightJob: { makeJob: () => NonNullable<Sample['job']>; deadlineMs: number } | null
  secrets: ConfiguredSecrets
  callback: CallbackTarget | null
  /** The embedded cluster has no accounts: rights that are too many say nothing there. */
  embedded: boolean
}

export interface PreflightDeps {
  api: PreflightApi & JobApi
  clock: Clock
}

/** Seven requests where all is well (a test counts them). Never throws for an answer or a broken connection. */
export async function runBlocking(deps: PreflightDeps, options: PreflightOptions): Promise<CheckResult[]> {
  const { api } = deps
  const reached = await checkApi(deps, options)
  if (reached.version === null) return reached.results
  const [permissions, dryRun, namespace, room] = await Promise.all([
    checkPermissions(api, { needs: withoutChecks(options.needs), thorough: false }),
    checkDryRun(api, options.samples),
    api.getNamespace(),
    readRoom(api, options.samples),
  ])
  if (!permissions.known) return [...reached.results, ...permissions.results]
  if (isMissing(namespace)) return [...reached.results, ...permissions.results, noNamespace(api.namespace)]
  return [
    ...reached.results,
    ...permissions.results,
    dryRun.result,
    podSecurity(namespace, api.namespace, options.samples),
    ...room,
    ...imageVolumes(options, reached.version, dryRun.stored),
  ]
}

/** Everything, as far as the API can be reached. */
export async function runAll(deps: PreflightDeps, options: PreflightOptions, signal?: AbortSignal): Promise<CheckResult[]> {
  const { api } = deps
  const local = checkSecrets(options.secrets)
  const [reached, callback] = await Promise.all([checkApi(deps, options), checkCallback(options.callback, deps.clock)])
  if (reached.version === null) return [...reached.results, ...local, callback]
  const [permissions, excess, dryRun, pod, namespace, room] = await Promise.all([
    checkPermissions(api, { needs: options.needs, thorough: true }),
    options.embedded ? null : checkExcess(api, options.needs),
    checkDryRun(api, options.samples),
    checkPodAdmission(api, options.samples),
    api.getNamespace(),
    readRoom(api, options.samples),
  ])
  const about = [...reached.results, ...permissions.results, ...(excess ? [excess] : [])]
  const rest = [...local, callback]
  if (!permissions.known) return [...about, ...rest]
  if (isMissing(namespace)) return [...about, noNamespace(api.namespace), ...rest]
  const results = [
    ...about,
    dryRun.result,
    ...(pod ? [pod] : []),
    podSecurity(namespace, api.namespace, options.samples),
    ...room,
    ...imageVolumes(options, reached.version, dryRun.stored),
  ]
  // A Job that is known to be refused need not be tried.
  const run = options.preflightJob && !results.some((result) => result.blocking)
  return [...results, ...(run ? await runJob(deps, options, signal) : []), ...rest]
}

/** What can be said when there is no cluster to ask. `problem`: why. */
export async function runWithoutCluster(clock: Clock, problem: CheckResult, options: PreflightOptions): Promise<CheckResult[]> {
  return [problem, ...checkSecrets(options.secrets), await checkCallback(options.callback, clock)]
}

/** The preflight Job alone; none when it is not configured. */
export async function runJob(deps: PreflightDeps, { preflightJob }: PreflightOptions, signal?: AbortSignal): Promise<CheckResult[]> {
  if (!preflightJob) return []
  return [await checkPreflightJob(deps, { job: preflightJob.makeJob(), deadlineMs: preflightJob.deadlineMs }, signal)]
}

async function checkApi(
  { api, clock }: PreflightDeps,
  { endpoint, holdsJobs }: PreflightOptions,
): Promise<{ version: KubeVersion | null; results: CheckResult[] }> {
  const sentMs = clock.now()
  const answer = await api.versionAndDate()
  const answeredMs = clock.now()
  if (!answer.ok) return { version: null, results: [connectionProblem(answer.error, endpoint)] }
  const version = parseVersion(answer.value.gitVersion)
  if (version === null) {
    const fix = `correct clusters[].cluster.server in ${endpoint.source}, with its path if it has one`
    return {
      version,
      results: [failed('api', `${endpoint.server} is no Kubernetes API`, 'its answer to /version names no version', fix, true)],
    }
  }
  const deletion = holdsJobs ? judgeNamespaceDeletion(version, api.namespace) : []
  return { version, results: [judgeVersion(version, endpoint.server), ...deletion, checkClock(answer.value.dateMs, sentMs, answeredMs)] }
}

async function readRoom(api: PreflightApi, samples: Samples): Promise<CheckResult[]> {
  const [quotas, limitRanges] = await Promise.all([api.listQuotas(), api.listLimitRanges()])
  return checkRoom(api.namespace, samples, {
    quotas: quotas as KubeResult<ResourceQuota[]>,
    limitRanges: limitRanges as KubeResult<LimitRange[]>,
  })
}

function isMissing(namespace: KubeResult<KubeObject>): boolean {
  return !namespace.ok && namespace.error.status === 404
}

function noNamespace(name: string): CheckResult {
  const fix = `kubectl create namespace ${name}, or correct backend.kubernetes.namespace`
  return failed('namespace', `there is no namespace ${name}`, 'Jobs can only be made in one that exists', fix, true)
}

function podSecurity(namespace: KubeResult<KubeObject>, name: string, samples: Samples): CheckResult {
  const podOf = ({ job }: Sample): V1PodSpec => job.spec?.template.spec ?? { containers: [] }
  return checkPodSecurity(namespace, name, { plain: podOf(samples.plain), withSidecar: podOf(samples.full) })
}

function imageVolumes(
  { usesImageVolumes, samples, preflightJob }: PreflightOptions,
  version: KubeVersion,
  stored: Sample['job'] | null,
): CheckResult[] {
  return usesImageVolumes ? [judgeImageVolumes(version, keepsImageVolumes(samples.full.job, stored), preflightJob !== null)] : []
}

function withoutChecks(needs: ReadonlySet<Need>): ReadonlySet<Need> {
  return new Set([...needs].filter((need) => need !== 'checks' && need !== 'preflight-job'))
}
