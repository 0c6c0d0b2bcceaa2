// The API's side of a chaos run: its own connection past the proxy, a watch of its own over Jobs, Pods and Secrets, and how things stand at the end.
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { readLines } from '../../src/informer/lines.ts'
import { taskNames, workerLabel } from '../../src/jobspec/index.ts'
import { holdsSecret, type Leftovers, type ObjectEvent } from './history.ts'

// biome-ignore lint/suspicious/noExplicitAny: raw objects of the API
type Raw = any

export interface Access {
  server: string
  headers: Record<string, string>
  ca: Buffer | undefined
}

/** Kubeconfigs with a token or nothing, as the embedded cluster and the test cluster write them. */
export function readAccess(kubeconfigFile: string): Access {
  const config = parse(readFileSync(kubeconfigFile, 'utf8')) as Raw
  const { context } = config.contexts.find((each: Raw) => each.name === config['current-context'])
  const { cluster } = config.clusters.find((each: Raw) => each.name === context.cluster)
  const user = config.users?.find((each: Raw) => each.name === context.user)?.user ?? {}
  const data = cluster['certificate-authority-data']
  return {
    server: cluster.server.replace(/\/$/, ''),
    headers: user.token ? { authorization: `Bearer ${user.token}` } : {},
    ca: data ? Buffer.from(data, 'base64') : cluster['certificate-authority'] ? readFileSync(cluster['certificate-authority']) : undefined,
  }
}

const PATHS = { jobs: '/apis/batch/v1', pods: '/api/v1', secrets: '/api/v1' } as const
type Resource = keyof typeof PATHS

export interface Recorder {
  events: ObjectEvent[]
  /** Live: Pods of this execution that have not ended. */
  alivePods(taskId: string, executionId: string): Promise<string[]>
  leftovers(): Promise<Leftovers>
  patch(resource: Resource, name: string, change: object): Promise<void>
  stop(): Promise<void>
}

/** Records from now on everything about the Jobs, Pods and Secrets of one worker. `onEvent` sees each event as well. */
export async function startRecorder(
  access: Access,
  options: { namespace: string; workerId: string; onEvent?: (event: ObjectEvent) => void },
): Promise<Recorder> {
  const dispatcher = new Agent({ allowH2: false, bodyTimeout: 0, headersTimeout: 5_000, connect: access.ca ? { ca: access.ca } : {} })
  const stopping = new AbortController()
  const events: ObjectEvent[] = []
  const versions = new Map<string, string>()
  const selector = `labelSelector=${encodeURIComponent(`jobhook.dev/worker=${workerLabel(options.workerId)}`)}`
  const pathOf = (resource: Resource): string => `${PATHS[resource]}/namespaces/${options.namespace}/${resource}`

  async function send(method: 'GET' | 'PATCH', path: string, body?: object): Promise<Raw> {
    const response = await request(`${access.server}${path}`, {
      method,
      dispatcher,
      headers: { ...access.headers, accept: 'application/json', ...(body ? { 'content-type': 'application/merge-patch+json' } : {}) },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.body.text()
    if (response.statusCode >= 300) throw new Error(`${method} ${path}: ${response.statusCode} ${text.slice(0, 300)}`)
    return JSON.parse(text)
  }
  const list = (resource: Resource): Promise<Raw> => send('GET', `${pathOf(resource)}?${selector}`)
  /** Jobs by execution, from the watch: a thousand tasks are not listed anew for each verdict. */
  const jobUids = new Map<string, Set<string>>()

  function podsOf(taskId: string, executionId: string): Promise<Raw> {
    const { taskLabel } = taskNames({ workerId: options.workerId, taskId, executionId })
    return send('GET', `${pathOf('pods')}?labelSelector=${encodeURIComponent(`jobhook.dev/task=${taskLabel}`)}`)
  }

  function note(resource: Resource, type: ObjectEvent['type'], object: Raw): void {
    const key = `${resource} ${object.metadata.uid}`
    // A list after a broken watch shows again what was seen.
    if (type !== 'DELETED' && versions.get(key) === object.metadata.resourceVersion) return
    const known = versions.has(key)
    versions.set(key, object.metadata.resourceVersion)
    const event = eventOf(resource, type === 'ADDED' && known ? 'MODIFIED' : type, object)
    events.push(event)
    if (resource === 'jobs') {
      const execution = `${event.taskId}/${event.executionId}`
      jobUids.set(execution, (jobUids.get(execution) ?? new Set()).add(event.uid))
    }
    options.onEvent?.(event)
  }

  async function record(resource: Resource): Promise<void> {
    let from: string | null = null
    while (!stopping.signal.aborted) {
      try {
        if (from === null) {
          const listed = await list(resource)
          for (const object of listed.items) note(resource, 'ADDED', object)
          from = listed.metadata.resourceVersion as string
        }
        const response = await request(`${access.server}${pathOf(resource)}?watch=true&${selector}&resourceVersion=${from}`, {
          dispatcher,
          headers: { ...access.headers, 'accept-encoding': 'identity' },
          signal: stopping.signal,
        })
        for await (const { lines, complete } of readLines(response.body)) {
          for (const text of lines) {
            if (!complete || text === '') continue
            const { type, object } = JSON.parse(text) as { type: string; object: Raw }
            if (type === 'ERROR') throw new Error(object.message)
            from = object.metadata.resourceVersion
            if (type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED') note(resource, type, object)
          }
        }
      } catch {
        from = null
        await delay(100, undefined, { signal: stopping.signal }).catch(() => {})
      }
    }
  }

  await Promise.all((['jobs', 'pods', 'secrets'] as const).map(list))
  const recording = Promise.all((['jobs', 'pods', 'secrets'] as const).map(record))

  return {
    events,
    async alivePods(taskId, executionId) {
      const execution = `${taskId}/${executionId}`
      const pods = await podsOf(taskId, executionId)
      // Our watch of Jobs may be behind: no Job is known yet although its verdict is on its way.
      for (let tries = 0; !jobUids.has(execution) && tries < 100; tries++) await delay(50)
      const uids = jobUids.get(execution) ?? new Set()
      return pods.items
        .filter((pod: Raw) => uids.has(pod.metadata.ownerReferences?.[0]?.uid) && isAlive(pod))
        .map((pod: Raw) => `${pod.metadata.name} (${podState(pod)})`)
    },
    async leftovers() {
      const [jobs, secrets] = await Promise.all([list('jobs'), list('secrets')])
      const named = new Set(jobs.items.map((job: Raw) => annotation(job.metadata, 'secret')))
      const names: string[] = secrets.items.map((secret: Raw) => secret.metadata.name)
      const nameOf = (job: Raw): string => job.metadata.name
      return {
        held: jobs.items.filter((job: Raw) => job.metadata.finalizers?.includes('jobhook.dev/report')).map(nameOf),
        open: jobs.items
          .filter((job: Raw) => !/"state":"(delivered|gone|dead|none)"/.test(annotation(job.metadata, 'delivery')))
          .map(nameOf),
        namedSecrets: names.filter((name) => named.has(name)),
        orphanSecrets: names.filter((name) => !named.has(name)),
      }
    },
    async patch(resource, name, change) {
      await send('PATCH', `${pathOf(resource)}/${name}`, change)
    },
    async stop() {
      stopping.abort()
      await recording
      await dispatcher.destroy()
    },
  }
}

function eventOf(resource: Resource, type: ObjectEvent['type'], object: Raw): ObjectEvent {
  const { metadata } = object
  const base = {
    atMs: Date.now(),
    resource,
    type,
    name: metadata.name,
    uid: metadata.uid,
    content: '',
    jobUid: '',
    alive: false,
    leaks: false,
  }
  const identity = { taskId: annotation(metadata, 'task-id'), executionId: annotation(metadata, 'execution-id') }
  if (resource === 'secrets') return { ...base, ...identity, state: '' }
  const leaks = holdsSecret(JSON.stringify(object))
  if (resource === 'pods') {
    const jobUid = metadata.ownerReferences?.[0]?.uid ?? ''
    return { ...base, ...identity, jobUid, alive: isAlive(object), state: podState(object), leaks }
  }
  const args: string = object.spec.template.spec.containers.find((each: Raw) => each.name === 'task')?.args?.[0] ?? ''
  return { ...base, ...identity, content: /: content-(\w+)/.exec(args)?.[1] ?? '?', state: jobState(object), leaks }
}

function annotation(metadata: Raw, name: string): string {
  return metadata.annotations?.[`jobhook.dev/${name}`] ?? ''
}

/** Something of it runs, or may still start. A phase may lag behind the last container's end. */
function isAlive({ metadata, status }: Raw): boolean {
  if (status?.phase === 'Succeeded' || status?.phase === 'Failed') return false
  const containers: Raw[] = status?.containerStatuses ?? []
  if (containers.length > 0 && containers.every((each) => each.state?.terminated)) return false
  // Deleted before anything started: nothing will.
  return !(metadata.deletionTimestamp && containers.every((each) => !each.state?.running))
}

function podState({ metadata, status }: Raw): string {
  const containers = (status?.containerStatuses ?? []).map((each: Raw) => `${each.name} ${JSON.stringify(each.state)}`)
  return [status?.phase, metadata.deletionTimestamp ? 'deleted' : '', ...containers].filter((part) => part).join(' ')
}

function jobState({ metadata, spec, status }: Raw): string {
  const conditions = (status?.conditions ?? []).filter((each: Raw) => each.status === 'True').map((each: Raw) => each.type)
  return [
    `rv ${metadata.resourceVersion}`,
    ...conditions,
    metadata.deletionTimestamp ? 'deleted' : '',
    metadata.finalizers?.length ? `finalizers ${metadata.finalizers}` : '',
    spec.activeDeadlineSeconds === 1 ? 'to be stopped' : '',
    ...['stop', 'verdict', 'delivery'].flatMap((name) =>
      annotation(metadata, name) ? [`${name} ${annotation(metadata, name).slice(0, 200)}`] : [],
    ),
  ]
    .filter((part) => part)
    .join(' ')
}
