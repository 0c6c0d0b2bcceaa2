// The check `dry-run`: the API itself says what it would make of a task. Nothing is stored.
import type { V1Job } from '@kubernetes/client-node'
import type { KubeError, KubeResult } from '../model/kube-api.ts'
import type { PreflightApi, Sample, Samples } from './api.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'

const NAME = 'dry-run'

export interface DryRunOutcome {
  result: CheckResult
  /** The Job as the API would store it, with its defaults; null when it was refused or not tried. */
  stored: V1Job | null
}

/** The full sample first: most of the time it is the only one that has to be asked about. */
export async function checkDryRun(api: Pick<PreflightApi, 'namespace' | 'dryRun'>, samples: Samples): Promise<DryRunOutcome> {
  const full = await tryOut(api, samples.full)
  if (full.ok) return { result: ok(NAME, 'the API accepts a task’s Job and Secret, every field checked'), stored: full.job }
  const plain = await tryOut(api, samples.plain)
  if (plain.ok) {
    const { why, fix } = explain(full.error, api.namespace)
    return { result: failed(NAME, 'the API refuses tasks with sidecar images or env_vars', why, fix), stored: plain.job }
  }
  return { result: judge(plain.error, plain.resource, api.namespace, samples.imagesConfigured), stored: null }
}

type Tried = { ok: true; job: V1Job } | { ok: false; error: KubeError; resource: 'Job' | 'Secret' }

async function tryOut(api: Pick<PreflightApi, 'dryRun'>, { job, secret }: Sample): Promise<Tried> {
  const [forJob, forSecret] = await Promise.all([api.dryRun('jobs', job), secret ? api.dryRun('secrets', withoutValues(secret)) : null])
  if (!forJob.ok) return { ok: false, error: forJob.error, resource: 'Job' }
  if (forSecret && !forSecret.ok) return { ok: false, error: forSecret.error, resource: 'Secret' }
  return { ok: true, job: forJob.value as unknown as V1Job }
}

/** Values from jobhook's own environment may be in it: a rehearsal need not send them. */
function withoutValues<T extends { data?: Record<string, string> }>(secret: T): T {
  const data = Object.fromEntries(Object.keys(secret.data ?? {}).map((key) => [key, Buffer.from('sample').toString('base64')]))
  return { ...secret, data }
}

/** A refusal that says nothing about later tasks is a warning; any other means that every task fails. */
function judge(error: KubeError, resource: 'Job' | 'Secret', namespace: string, imagesConfigured: boolean): CheckResult {
  const { why, fix, kind } = explain(error, namespace)
  if (kind === 'untried') return warning(NAME, `a task’s ${resource} could not be tried out`, why, fix)
  if (kind === 'forbidden')
    return warning(NAME, `a task’s ${resource} could not be tried out`, why, 'first the missing right: see the check permissions')
  if (kind === 'full') return warning(NAME, 'there is no room for another task now', why, fix)
  const policy = kind === 'policy' && !imagesConfigured
  const hint = policy
    ? ' (the sample’s image is made up, because backend.kubernetes.default_image is not set: this may not hold for real tasks)'
    : ''
  return failed(NAME, `the API refuses every task’s ${resource}`, why + hint, fix, !policy)
}

type Kind = 'untried' | 'forbidden' | 'full' | 'policy' | 'refused'

/** What a refused dry-run means. */
export function explain(error: KubeError, namespace: string): { kind: Kind; why: string; fix: string } {
  const why = oneLine(error.message)
  const { status, message } = error
  if (/does not support dry run/i.test(message)) {
    return {
      kind: 'untried',
      why,
      fix: 'have the webhook’s owner set sideEffects: None or NoneOnDryRun; until then only real tasks can tell',
    }
  }
  if (status === 0 || status === 429 || status === 401 || (status >= 500 && !/admission webhook|failed calling webhook/i.test(message))) {
    return { kind: 'untried', why, fix: 'try again' }
  }
  if (status >= 500) {
    return {
      kind: 'refused',
      why,
      fix: 'repair the webhook that fails, or exempt the namespace in it: kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations',
    }
  }
  if (/being terminated/i.test(message)) {
    return {
      kind: 'refused',
      why,
      fix: `use another namespace (backend.kubernetes.namespace), or wait until this one is gone and make it anew: kubectl create namespace ${namespace}`,
    }
  }
  if (status === 404 && /namespaces? "/i.test(message)) return { kind: 'refused', why, fix: `kubectl create namespace ${namespace}` }
  if (status === 403 && /exceeded quota/i.test(message)) return { kind: 'full', why, fix: `kubectl -n ${namespace} describe resourcequota` }
  if (status === 403 && /cannot (create|dryRun)? ?resource/i.test(message)) return { kind: 'forbidden', why, fix: '' }
  if (/admission webhook|ValidatingAdmissionPolicy|denied the request/i.test(message)) {
    return {
      kind: 'policy',
      why,
      fix: 'change what the policy names, in backend.kubernetes (pod_template, extra_labels, …), or exempt the namespace from it',
    }
  }
  const fields = fieldsOf(message)
  if (fields.length > 0) return { kind: 'refused', why, fix: `correct ${fields.join(', ')}` }
  return {
    kind: 'refused',
    why,
    fix: `see what is sent: jobhook render FILE --config … | kubectl -n ${namespace} create --dry-run=server --validate=strict -f -`,
  }
}

/** Fields of the Job named in a validation or decoding error, as our settings. */
function fieldsOf(message: string): string[] {
  const found = [...message.matchAll(/spec\.template\.spec\.([A-Za-z0-9_.[\]-]+)/g)].map(([, path = '']) => path.replace(/[.:]+$/, ''))
  return [...new Set(found)].map((path) => `backend.kubernetes.pod_template.${path}`)
}

/** Whether the API kept the image volumes of a Job; null when the Job has none or was not tried. */
export function keepsImageVolumes(sent: V1Job, stored: V1Job | null): boolean | null {
  const count = (job: V1Job): number => (job.spec?.template.spec?.volumes ?? []).filter((volume) => volume.image).length
  return stored === null || count(sent) === 0 ? null : count(stored) === count(sent)
}

/** The Pod itself, where the account may create Pods: admission decides about Pods what it does not decide about Jobs. Null: not permitted. */
export async function checkPodAdmission(api: Pick<PreflightApi, 'namespace' | 'dryRun'>, samples: Samples): Promise<CheckResult | null> {
  const name = 'pod-admission'
  const plain = await tryPod(api, samples.plain)
  if (plain.ok) return ok(name, 'the API accepts a task’s Pod')
  const { kind, why } = explain(plain.error, api.namespace)
  if (kind === 'forbidden') return null
  if (kind === 'untried') return warning(name, 'a task’s Pod could not be tried out', why, 'try again')
  // Used up or too small: the check quota tells the two apart.
  if (kind === 'full') return warning(name, 'there is no room for a task’s Pod', why, podRemedy(plain.error, api.namespace))
  // With an instance_shape it may be another matter: quotas and limit ranges only count what a Pod asks for.
  const { message } = plain.error
  const other = /minimum .* usage per/.test(message) ? samples.large : /quota|usage per|ratio per/.test(message) ? samples.small : null
  const always = other === null || !(await tryPod(api, other)).ok
  const which = always ? 'every task’s Pod' : 'the Pods of tasks without instance_shape'
  return failed(name, `the API refuses ${which}`, why, podRemedy(plain.error, api.namespace), always)
}

function tryPod(api: Pick<PreflightApi, 'namespace' | 'dryRun'>, { job }: Sample): Promise<KubeResult<unknown>> {
  const { metadata, spec } = job.spec?.template ?? {}
  const generateName = `${job.metadata?.name ?? 'task'}-`
  return api.dryRun('pods', { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, generateName, namespace: api.namespace }, spec })
}

/** What other checks explain better is left to them. */
function podRemedy(error: KubeError, namespace: string): string {
  const { message } = error
  if (/violates PodSecurity/.test(message)) return 'see the check pod-security'
  if (/quota/.test(message)) return 'see the check quota'
  if (/usage per|ratio per/.test(message)) return 'see the check limit-range'
  const [, account] = /service account [^ ]*?\/([^ :]+)[: ].*not found/i.exec(message) ?? []
  if (account !== undefined) return `kubectl -n ${namespace} create serviceaccount ${account}`
  return /unknown field/.test(message) ? 'see the check dry-run' : 'change what the answer names, in backend.kubernetes.pod_template'
}
