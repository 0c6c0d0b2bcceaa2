// What /readyz?verbose says, computed from the parts' own words.
import type { Check } from '../routes/health.ts'

interface ResourceStatus {
  synced: boolean
  staleMs: number
  lists: number
  lastError: string | null
}

/** Beyond this silence of the API a check turns to a warning; readyz stays ok, because an outage must not take every replica out of the Service. */
const STALE_MS = 60_000

export function createHealth(deps: {
  informer: { synced(): boolean; status(): { jobs: ResourceStatus; pods: ResourceStatus } }
  election: { isLeader(): boolean; holder(): string | null }
  preflight: { status(): { ok: boolean; detail: string } }
  draining: () => boolean
  /** What only this configuration has. */
  more: () => Check[]
}) {
  function informerCheck(resource: 'jobs' | 'pods'): Check {
    const { synced, staleMs, lists, lastError } = deps.informer.status()[resource]
    const error = lastError ? `; last error: ${lastError}` : ''
    if (!synced) return { name: `informer-${resource}`, ok: false, required: true, detail: `the first list has not been read yet${error}` }
    const fresh = staleMs < STALE_MS
    return {
      name: `informer-${resource}`,
      ok: fresh,
      required: false,
      detail: fresh ? `in step (${lists} list${lists === 1 ? '' : 's'})` : `nothing heard for ${Math.round(staleMs / 1000)} s${error}`,
    }
  }

  return {
    checks: (): Check[] => [
      deps.draining()
        ? { name: 'draining', ok: false, required: true, detail: 'this replica is shutting down' }
        : { name: 'draining', ok: true, required: true, detail: 'no' },
      { name: 'preflight', required: true, ...deps.preflight.status() },
      informerCheck('jobs'),
      informerCheck('pods'),
      deps.election.isLeader()
        ? { name: 'leader', ok: true, required: false, detail: 'this replica reports' }
        : {
            name: 'leader',
            ok: deps.election.holder() !== null && deps.election.holder() !== '',
            required: false,
            detail: deps.election.holder() ? `${deps.election.holder()} reports` : 'nobody leads yet',
          },
      ...deps.more(),
    ],
  }
}
