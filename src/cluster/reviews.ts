// The operations of preflight and doctor: who we are, what we may do, what the cluster would say to a task. None of them changes anything,
// except for the preflight Job's removal.
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import type { KubeClient, KubeRequest } from './client.ts'

/** One question of a SelfSubjectAccessReview; a namespace of '' means all of them. */
export interface AccessAttributes {
  verb: string
  group?: string
  resource: string
  subresource?: string
  namespace: string
}

export interface RulesReview {
  resourceRules?: { verbs?: string[]; apiGroups?: string[]; resources?: string[]; resourceNames?: string[] }[]
  /** An authorizer could not list its rules: what is not in the list may be allowed all the same. */
  incomplete?: boolean
}

const COLLECTIONS = { jobs: '/apis/batch/v1', secrets: '/api/v1', pods: '/api/v1' } as const

export function createReviews(client: KubeClient, plainNamespace: string) {
  const namespace = encodeURIComponent(plainNamespace)
  /** One retry: whoever waits for the answer is a person, or a loop with its own backoff. */
  const send = <T>(request: KubeRequest): Promise<KubeResult<T>> => client.send<T>({ attempts: 2, timeoutMs: 5_000, ...request })
  const list = async (resource: string): Promise<KubeResult<unknown[]>> => {
    const result = await send<{ items?: unknown[] }>({ verb: 'list', resource, path: `/api/v1/namespaces/${namespace}/${resource}` })
    return result.ok ? { ok: true, value: result.value.items ?? [] } : result
  }

  return {
    /** The version, and the API's clock as its Date header tells it (whole seconds; null when there is none). */
    async versionAndDate(): Promise<KubeResult<{ gitVersion: string | undefined; dateMs: number | null }>> {
      let dateMs: number | null = null
      const result = await send<{ gitVersion?: string } | null>({
        verb: 'get',
        resource: 'version',
        path: '/version',
        attempts: 1,
        onHeaders: ({ date }) => {
          const parsed = typeof date === 'string' ? Date.parse(date) : Number.NaN
          dateMs = Number.isNaN(parsed) ? null : parsed
        },
      })
      return result.ok ? { ok: true, value: { gitVersion: result.value?.gitVersion, dateMs } } : result
    },

    /** The user name the API knows us by. */
    async whoAmI(): Promise<KubeResult<string | null>> {
      const result = await send<{ status?: { userInfo?: { username?: string } } }>({
        verb: 'create',
        resource: 'selfsubjectreviews',
        path: '/apis/authentication.k8s.io/v1/selfsubjectreviews',
        body: { apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' },
      })
      return result.ok ? { ok: true, value: result.value.status?.userInfo?.username ?? null } : result
    },

    /** Everything we may do in the namespace, in one request. */
    async reviewRules(): Promise<KubeResult<RulesReview>> {
      const result = await send<{ status?: RulesReview }>({
        verb: 'create',
        resource: 'selfsubjectrulesreviews',
        path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectRulesReview', spec: { namespace: plainNamespace } },
      })
      return result.ok ? { ok: true, value: result.value.status ?? {} } : result
    },

    /** One right, decided as a request of ours would be. */
    async reviewAccess(attributes: AccessAttributes): Promise<KubeResult<boolean>> {
      const result = await send<{ status?: { allowed?: boolean } }>({
        verb: 'create',
        resource: 'selfsubjectaccessreviews',
        path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
        body: { apiVersion: 'authorization.k8s.io/v1', kind: 'SelfSubjectAccessReview', spec: { resourceAttributes: attributes } },
      })
      return result.ok ? { ok: true, value: result.value.status?.allowed === true } : result
    },

    /** What would come of creating it: defaults, admission and quota run, an unknown field is an error, nothing is stored. */
    dryRun: (resource: keyof typeof COLLECTIONS, object: unknown): Promise<KubeResult<KubeObject>> =>
      send<KubeObject>({
        verb: 'create',
        resource: `${resource} (dry run)`,
        path: `${COLLECTIONS[resource]}/namespaces/${namespace}/${resource}`,
        query: { dryRun: 'All', fieldValidation: 'Strict' },
        body: object,
        // Admission webhooks may take their time.
        timeoutMs: 15_000,
      }),

    listQuotas: () => list('resourcequotas'),
    listLimitRanges: () => list('limitranges'),

    /** With its Pods, in the background. A Job that is already gone counts as deleted. */
    async deleteJob(name: string): Promise<KubeResult<null>> {
      const result = await send<unknown>({
        verb: 'delete',
        resource: 'jobs',
        path: `/apis/batch/v1/namespaces/${namespace}/jobs/${encodeURIComponent(name)}`,
        body: { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' },
      })
      return result.ok || result.error.status === 404 ? { ok: true, value: null } : result
    },
  }
}
