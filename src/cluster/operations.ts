// The Kubernetes operations jobhook uses, by name: Jobs, Secrets, Pods' logs, Leases. Each is one request; paths and media types live here only.
import type { Readable } from 'node:stream'
import { type ListText, parseObject, readList } from '../lib/kube-json.ts'
import type { KubeObject, KubeResult, ListPage, PatchKind } from '../model/kube-api.ts'
import { type KubeClient, type KubeRequest, onlyThis } from './client.ts'
import { createReviews } from './reviews.ts'
import { createSecretOperations } from './secrets.ts'

export type Cluster = ReturnType<typeof createCluster>

const PATCH_TYPES: Record<PatchKind, string> = {
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  json: 'application/json-patch+json',
}

/** Writes of every task. Looking for unknown and doubled fields costs the API server a second decoding each, and its warnings would be read by nobody:
 * the manifest was tried with Strict at the start (`reviews.ts`). */
const UNCHECKED = { fieldValidation: 'Ignore' }

/** Where the watched resources live in the API. */
const RESOURCE_PATHS = { jobs: '/apis/batch/v1', pods: '/api/v1', configmaps: '/api/v1' } as const
export type WatchedResource = keyof typeof RESOURCE_PATHS

interface RawList {
  items?: unknown[]
  metadata?: { resourceVersion?: string; continue?: string }
}

export function createCluster(deps: { client: KubeClient }, options: { namespace: string }) {
  const { client } = deps
  const namespace = encodeURIComponent(options.namespace)
  const jobs = `/apis/batch/v1/namespaces/${namespace}/jobs`
  const secrets = `/api/v1/namespaces/${namespace}/secrets`
  const pods = `/api/v1/namespaces/${namespace}/pods`
  const configMaps = `/api/v1/namespaces/${namespace}/configmaps`
  const leases = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`

  const jobPatch = (name: string, kind: PatchKind, patch: unknown): KubeRequest => ({
    verb: 'patch',
    resource: 'jobs',
    path: `${jobs}/${encodeURIComponent(name)}`,
    query: UNCHECKED,
    body: patch,
    contentType: PATCH_TYPES[kind],
  })

  return {
    namespace: options.namespace,
    ...createSecretOperations(client, options.namespace),
    ...createReviews(client, options.namespace),

    version: () =>
      client.send<{ gitVersion?: string }>({ verb: 'get', resource: 'version', path: '/version', attempts: 1, timeoutMs: 5_000 }),

    /** The namespace of the tasks itself. One try: a process that is about to end does not wait. */
    getNamespace: () =>
      client.send<KubeObject>({
        verb: 'get',
        resource: 'namespaces',
        path: `/api/v1/namespaces/${namespace}`,
        attempts: 1,
        timeoutMs: 3_000,
      }),

    /** What was made of it comes by the watch, a moment later. */
    createJob: (job: unknown, signal?: AbortSignal) =>
      client.send<null>({
        verb: 'create',
        resource: 'jobs',
        path: jobs,
        query: UNCHECKED,
        body: job,
        parse: null,
        ...(signal ? { signal } : {}),
      }),

    getJob: (name: string) => client.send<KubeObject>({ verb: 'get', resource: 'jobs', path: `${jobs}/${encodeURIComponent(name)}` }),

    /** What became of it comes by the watch, a moment later. */
    patchJob: (name: string, kind: PatchKind, patch: unknown) => client.send<null>({ ...jobPatch(name, kind, patch), parse: null }),

    /** The same, with the Job as it is then. */
    patchJobAndRead: (name: string, kind: PatchKind, patch: unknown) =>
      client.send<KubeObject>({ ...jobPatch(name, kind, patch), parse: parseObject }),

    createSecret: (secret: unknown, signal?: AbortSignal) =>
      client.send<null>({
        verb: 'create',
        resource: 'secrets',
        path: secrets,
        query: UNCHECKED,
        body: secret,
        parse: null,
        ...(signal ? { signal } : {}),
      }),

    /** A Secret that is already gone counts as deleted. */
    async deleteSecret(name: string): Promise<KubeResult<null>> {
      const path = `${secrets}/${encodeURIComponent(name)}`
      const result = await client.send<null>({ verb: 'delete', resource: 'secrets', path, parse: null })
      if (!result.ok && result.error.status !== 404) return result
      return { ok: true, value: null }
    },

    /** One page of Jobs or Pods with the given labels; `continueToken` asks for the next. */
    async list(
      resource: WatchedResource,
      query: { labelSelector: string; limit: number; continueToken?: string | null; resourceVersion?: string },
      signal?: AbortSignal,
    ): Promise<KubeResult<ListPage>> {
      const result = await client.send<ListText>({
        verb: 'list',
        resource,
        path: `${RESOURCE_PATHS[resource]}/namespaces/${namespace}/${resource}`,
        query: {
          labelSelector: query.labelSelector,
          limit: String(query.limit),
          ...(query.continueToken ? { continue: query.continueToken } : {}),
          ...(query.resourceVersion ? { resourceVersion: query.resourceVersion } : {}),
        },
        // The reflector has its own backoff.
        attempts: 1,
        timeoutMs: 60_000,
        parse: readList,
        ...(signal ? { signal } : {}),
      })
      if (!result.ok) return result
      const { items, metadata } = result.value
      return {
        ok: true,
        value: {
          resourceVersion: metadata?.resourceVersion ?? '',
          continueToken: metadata?.continue || null,
          get items() {
            return items()
          },
        },
      }
    },

    /** Every Job with the given labels, live (not from the cache). */
    async listJobs<T>(labelSelector: string, project: (raw: unknown) => T): Promise<KubeResult<T[]>> {
      const result = await client.send<RawList>({ verb: 'list', resource: 'jobs', path: jobs, query: { labelSelector } })
      return result.ok ? { ok: true, value: (result.value.items ?? []).map(project) } : result
    },

    /** The Pods of one Job, live. */
    async listPods<T>(jobName: string, project: (raw: unknown) => T): Promise<KubeResult<T[]>> {
      const query = { labelSelector: `batch.kubernetes.io/job-name=${jobName}` }
      const result = await client.send<RawList>({ verb: 'list', resource: 'pods', path: pods, query, attempts: 1, timeoutMs: 3_000 })
      return result.ok ? { ok: true, value: (result.value.items ?? []).map(project) } : result
    },

    /** Exactly this Pod, with its own grace period. One that is gone already, or whose name another bears now, counts as deleted. */
    async deletePod(name: string, uid: string): Promise<KubeResult<null>> {
      const path = `${pods}/${encodeURIComponent(name)}`
      const result = await client.send<null>({ verb: 'delete', resource: 'pods', path, parse: null, body: onlyThis(uid) })
      if (!result.ok && result.error.status !== 404 && result.error.status !== 409) return result
      return { ok: true, value: null }
    },

    /** The Events about one object, by its name. The server scans the whole namespace for it: only after a sign of trouble, once a task. */
    async listEvents<T>(involvedName: string, project: (raw: unknown) => T): Promise<KubeResult<T[]>> {
      const query = { fieldSelector: `involvedObject.name=${involvedName}`, limit: '100' }
      const path = `/api/v1/namespaces/${namespace}/events`
      const result = await client.send<RawList>({ verb: 'list', resource: 'events', path, query, attempts: 1, timeoutMs: 3_000 })
      return result.ok ? { ok: true, value: (result.value.items ?? []).map(project) } : result
    },

    /** The watch's body: one JSON event a line. */
    watch(
      resource: WatchedResource,
      query: { labelSelector: string; resourceVersion: string; timeoutSeconds: number },
      signal: AbortSignal,
    ): Promise<KubeResult<Readable>> {
      return client.stream({
        verb: 'watch',
        resource,
        path: `${RESOURCE_PATHS[resource]}/namespaces/${namespace}/${resource}`,
        query: {
          watch: 'true',
          allowWatchBookmarks: 'true',
          labelSelector: query.labelSelector,
          resourceVersion: query.resourceVersion,
          timeoutSeconds: String(query.timeoutSeconds),
        },
        pool: 'watch',
        attempts: 1,
        signal,
      })
    },

    /** A container's log as text, as it comes. */
    readLog(
      pod: string,
      query: { container?: string; follow?: boolean; tailLines?: number; limitBytes?: number; sinceTime?: string },
      signal?: AbortSignal,
    ): Promise<KubeResult<Readable>> {
      return client.stream({
        verb: 'get',
        resource: 'pods/log',
        path: `${pods}/${encodeURIComponent(pod)}/log`,
        query: Object.fromEntries(
          Object.entries(query)
            .filter(([, value]) => value !== undefined)
            .map(([name, value]) => [name, String(value)]),
        ),
        accept: '*/*',
        pool: 'logs',
        ...(signal ? { signal } : {}),
      })
    },

    // The dedupe ledger: nobody waits for these, and who writes has its own retries.
    patchConfigMap: (name: string, patch: unknown) =>
      client.send<KubeObject>({
        verb: 'patch',
        resource: 'configmaps',
        path: `${configMaps}/${name}`,
        body: patch,
        contentType: PATCH_TYPES.merge,
        attempts: 1,
      }),
    createConfigMap: (configMap: unknown) =>
      client.send<KubeObject>({ verb: 'create', resource: 'configmaps', path: configMaps, body: configMap, attempts: 1 }),
    deleteConfigMap: (name: string) =>
      client.send<unknown>({ verb: 'delete', resource: 'configmaps', path: `${configMaps}/${name}`, attempts: 1 }),

    getLease: (name: string, signal?: AbortSignal) =>
      client.send<KubeObject>({
        verb: 'get',
        resource: 'leases',
        path: `${leases}/${name}`,
        pool: 'lease',
        attempts: 1,
        timeoutMs: 5_000,
        ...(signal ? { signal } : {}),
      }),
    createLease: (lease: unknown, signal?: AbortSignal) =>
      client.send<KubeObject>({
        verb: 'create',
        resource: 'leases',
        path: leases,
        body: lease,
        pool: 'lease',
        attempts: 1,
        timeoutMs: 5_000,
        ...(signal ? { signal } : {}),
      }),
    updateLease: (name: string, lease: unknown, signal?: AbortSignal) =>
      client.send<KubeObject>({
        verb: 'update',
        resource: 'leases',
        path: `${leases}/${name}`,
        body: lease,
        pool: 'lease',
        attempts: 1,
        timeoutMs: 5_000,
        ...(signal ? { signal } : {}),
      }),
  }
}
