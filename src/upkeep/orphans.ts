// Finds Secrets of ours that no Job names: what a crash between the Secret and its Job leaves behind. Reads only, and never a value; `jobhook doctor`
// uses it as it is.
import type { Clock } from '../lib/clock.ts'
import { annotation } from '../model/keys.ts'
import type { KubeError, KubeObject, KubeResult, ObjectMeta } from '../model/kube-api.ts'

export interface Orphan {
  name: string
  uid: string
  createdMs: number
  /** The Job it was made for. */
  jobName: string
}

export interface Orphans {
  orphans: Orphan[]
  /** Secrets of ours in all. */
  secrets: number
  /** Not looked at any more this time. */
  truncated: boolean
  /** The list, or a look at a Job, that failed: those Secrets are kept. */
  error: KubeError | null
}

export interface OrphanDeps {
  secretMetadata: (
    query: { labelSelector: string; limit: number; continueToken: string | null },
    signal?: AbortSignal,
  ) => Promise<KubeResult<{ items: ObjectMeta[]; continueToken: string | null }>>
  getJob: (name: string) => Promise<KubeResult<KubeObject>>
  /** The Secret that a Job in the cache names; null when the cache has no such Job. Saves the live look. */
  cachedSecretOf: (jobName: string) => string | null
  clock: Clock
}

/** Submitting takes seconds; a Secret this old whose Job is not there will not get one. */
export const ORPHAN_AGE_MS = 15 * 60_000
const PAGE = 500
/** Live looks a run: what is left comes in the next. */
const MAX_LOOKS = 500
/** Job name and a nonce of ten hexadecimal digits: what the manifest builder makes. Another name is not ours to judge. */
const SECRET_NAME = /^(.+)-[0-9a-f]{10}$/

export async function findOrphans(
  deps: OrphanDeps,
  options: { labelSelector: string; ageMs?: number },
  signal?: AbortSignal,
): Promise<Orphans> {
  const found: Orphans = { orphans: [], secrets: 0, truncated: false, error: null }
  const oldEnoughMs = deps.clock.now() - (options.ageMs ?? ORPHAN_AGE_MS)
  let looks = 0
  let continueToken: string | null = null
  do {
    const page: KubeResult<{ items: ObjectMeta[]; continueToken: string | null }> = await deps.secretMetadata(
      { labelSelector: options.labelSelector, limit: PAGE, continueToken },
      signal,
    )
    if (!page.ok) return { ...found, error: page.error }
    found.secrets += page.value.items.length
    for (const meta of page.value.items) {
      const secret = candidate(meta, oldEnoughMs)
      if (!secret || deps.cachedSecretOf(secret.jobName) === secret.name) continue
      if (looks === MAX_LOOKS) return { ...found, truncated: true }
      looks++
      const named = await secretOfJob(deps, secret.jobName)
      if (!named.ok) found.error = named.error
      else if (named.value !== secret.name) found.orphans.push(secret)
      signal?.throwIfAborted()
    }
    continueToken = page.value.continueToken
  } while (continueToken !== null)
  return found
}

function candidate({ name, uid, creationTimestamp, deletionTimestamp }: ObjectMeta, oldEnoughMs: number): Orphan | null {
  const jobName = SECRET_NAME.exec(name ?? '')?.[1]
  const createdMs = Date.parse(creationTimestamp ?? '')
  if (!name || !uid || !jobName || deletionTimestamp !== undefined || !(createdMs <= oldEnoughMs)) return null
  return { name, uid, createdMs, jobName }
}

/** Live: the cache may lag, and a Job may bear the name without our labels. */
async function secretOfJob(deps: Pick<OrphanDeps, 'getJob'>, jobName: string): Promise<KubeResult<string | null>> {
  const job = await deps.getJob(jobName)
  if (job.ok) return { ok: true, value: job.value.metadata.annotations?.[annotation('secret')] ?? null }
  return job.error.status === 404 ? { ok: true, value: null } : job
}
