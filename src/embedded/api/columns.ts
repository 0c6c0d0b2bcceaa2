/** The columns kubectl shows for each kind (Table output). Pure; not needed by any program. */
import { at, isObject } from '../json.ts'
import { parseTime } from '../time.ts'
import type { Job, KubeObject, Pod } from '../types.ts'
import type { Column } from './resource.ts'

type Cell = (object: KubeObject, nowMs: number) => string | number | null

function column(name: string, cell: Cell, extra: Partial<Column> = {}): Column {
  return { name, type: 'string', priority: 0, description: '', cell, ...extra }
}

const name = column('Name', (object) => object.metadata.name, { format: 'name', description: 'Name must be unique within a namespace.' })
const age = column('Age', (object, nowMs) => since(object.metadata.creationTimestamp, nowMs))
const wide = { priority: 1 }

/** How long ago, in kubectl's short form: 5s, 3m12s, 2h, 4d. */
export function since(start: string | undefined, nowMs: number): string {
  const from = parseTime(start)
  return Number.isNaN(from) ? '<unknown>' : shortDuration(Math.max(0, nowMs - from))
}

export function shortDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 120) return `${seconds}s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`
  if (minutes < 180) return `${minutes}m`
  const hours = Math.floor(minutes / 60)
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`
  if (hours < 48) return `${hours}h`
  return hours < 192 && hours % 24 !== 0 ? `${Math.floor(hours / 24)}d${hours % 24}h` : `${Math.floor(hours / 24)}d`
}

export const namespaceColumns: Column[] = [name, column('Status', (object) => String(at(object, ['status', 'phase']) ?? '')), age]

export const secretColumns: Column[] = [
  name,
  column('Type', (object) => String(object.type ?? '')),
  column('Data', (object) => entryCount(object, ['data']), { type: 'integer' }),
  age,
]

export const configMapColumns: Column[] = [
  name,
  column('Data', (object) => entryCount(object, ['data', 'binaryData']), { type: 'integer' }),
  age,
]

export const leaseColumns: Column[] = [name, column('Holder', (object) => String(at(object, ['spec', 'holderIdentity']) ?? '')), age]

export const eventColumns: Column[] = [
  column('Last Seen', (object, nowMs) => since(String(object.lastTimestamp ?? object.metadata.creationTimestamp), nowMs)),
  column('Type', (object) => String(object.type ?? '')),
  column('Reason', (object) => String(object.reason ?? '')),
  column(
    'Object',
    (object) => `${String(at(object, ['involvedObject', 'kind']) ?? '').toLowerCase()}/${at(object, ['involvedObject', 'name']) ?? ''}`,
  ),
  column('Message', (object) => String(object.message ?? '').trim()),
]

export const jobColumns: Column[] = [
  name,
  column('Status', (object) => jobState(object as Job)),
  column('Completions', (object) => jobCompletions(object as Job)),
  column('Duration', (object, nowMs) => jobDuration(object as Job, nowMs)),
  age,
  column('Containers', (object) => templateContainers(object as Job, 'name'), wide),
  column('Images', (object) => templateContainers(object as Job, 'image'), wide),
  column('Selector', (object) => labelText((object as Job).spec.selector?.matchLabels), wide),
]

function templateContainers(job: Job, field: 'name' | 'image'): string {
  return job.spec.template.spec.containers.map((container) => container[field] ?? '').join(',')
}

function jobState(job: Job): string {
  const holds = (type: string): boolean =>
    job.status.conditions?.some((condition) => condition.type === type && condition.status === 'True') === true
  if (holds('Complete')) return 'Complete'
  if (holds('Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (holds('Suspended')) return 'Suspended'
  if (holds('FailureTarget')) return 'FailureTarget'
  return holds('SuccessCriteriaMet') ? 'SuccessCriteriaMet' : 'Running'
}

function jobCompletions(job: Job): string {
  const succeeded = job.status.succeeded ?? 0
  if (job.spec.completions !== undefined) return `${succeeded}/${job.spec.completions}`
  const parallelism = job.spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function jobDuration(job: Job, nowMs: number): string {
  const start = parseTime(job.status.startTime)
  if (Number.isNaN(start)) return ''
  const failed = job.status.conditions?.find((condition) => condition.type === 'Failed' && condition.status === 'True')
  const end = parseTime(job.status.completionTime ?? failed?.lastTransitionTime)
  return shortDuration((Number.isNaN(end) ? nowMs : end) - start)
}

export const podColumns: Column[] = [
  name,
  column('Ready', (object) => {
    const { spec, status } = object as Pod
    return `${status.containerStatuses?.filter((container) => container.ready).length ?? 0}/${spec.containers.length}`
  }),
  column('Status', (object) => podState(object as Pod)),
  column('Restarts', (object) =>
    String((object as Pod).status.containerStatuses?.reduce((sum, container) => sum + container.restartCount, 0) ?? 0),
  ),
  age,
  column('IP', (object) => (object as Pod).status.podIP ?? '<none>', wide),
  column('Node', (object) => (object as Pod).spec.nodeName ?? '<none>', wide),
  column('Nominated Node', () => '<none>', wide),
  column('Readiness Gates', () => '<none>', wide),
]

function podState(pod: Pod): string {
  const { status } = pod
  if (pod.metadata.deletionTimestamp !== undefined && status.phase !== 'Failed' && status.phase !== 'Succeeded') return 'Terminating'
  const waitingInit = status.initContainerStatuses?.find(
    (container) => container.state.waiting !== undefined || (container.state.terminated?.exitCode ?? 0) !== 0,
  )
  if (status.phase === 'Pending' && waitingInit !== undefined) {
    const reason = waitingInit.state.waiting?.reason ?? waitingInit.state.terminated?.reason ?? ''
    const done = status.initContainerStatuses?.indexOf(waitingInit) ?? 0
    return reason === '' || reason === 'PodInitializing' ? `Init:${done}/${pod.spec.initContainers?.length ?? 0}` : `Init:${reason}`
  }
  for (const container of status.containerStatuses ?? []) {
    const reason = container.state.waiting?.reason ?? container.state.terminated?.reason
    if (reason !== undefined && reason !== '' && !(reason === 'Completed' && status.phase === 'Running')) return reason
  }
  return status.reason ?? status.phase
}

function entryCount(object: KubeObject, fields: readonly string[]): number {
  return fields.reduce((sum, field) => sum + (isObject(object[field]) ? Object.keys(object[field]).length : 0), 0)
}

function labelText(labels: Record<string, string> | undefined): string {
  const entries = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return entries.length === 0 ? '<none>' : entries.join(',')
}
