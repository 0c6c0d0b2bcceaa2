// Names of the objects that a worker keeps in its namespace beside Jobs and Secrets. Not for: a task's names (jobspec).
import { workerLabel } from '../jobspec/index.ts'

/** A worker's label may have upper case, dots and underscores; names of Leases and ConfigMaps may not. Its hash keeps it unique. */
export function ownedName(workerId: string, suffix?: string): string {
  const worker = workerLabel(workerId)
    .toLowerCase()
    .replace(/[^a-z0-9-]/g, '-')
  return suffix === undefined ? `jobhook-${worker}` : `jobhook-${worker}-${suffix}`
}
