// Makes what the tests act as: a namespace, a service account with what jobhook needs and no more, a token, and a kubeconfig that holds it.
import type { Api } from './api.ts'
import { writeKubeconfig } from './kubeconfig.ts'

const account = 'jobhook'

/** Everything is in jobhook's own namespace. No update of Jobs, no list of Nodes, no read of other namespaces. */
export const rules = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['create', 'get', 'list', 'watch', 'patch', 'delete'] },
  { apiGroups: [''], resources: ['pods'], verbs: ['get', 'list', 'watch', 'delete'] },
  { apiGroups: [''], resources: ['pods/log'], verbs: ['get'] },
  { apiGroups: [''], resources: ['secrets'], verbs: ['create', 'get', 'list', 'delete'] },
  { apiGroups: [''], resources: ['configmaps'], verbs: ['create', 'get', 'list', 'watch', 'update', 'patch', 'delete'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['create', 'get', 'update', 'patch'] },
  { apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'list', 'patch'] },
  { apiGroups: [''], resources: ['namespaces'], verbs: ['get'] }, // in a Role: its own namespace object only
]

export async function createNamespace(api: Api, namespace: string): Promise<void> {
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } })
}

/** Needs the namespace. Writes a kubeconfig for the service account at `path`, with a token for a day. */
export async function createAccess(api: Api, options: { namespace: string; clusterEntry: object; path: string }): Promise<void> {
  const { namespace } = options
  const metadata = { name: account, namespace }
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  await api.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { apiVersion: 'v1', kind: 'ServiceAccount', metadata })
  await api.create(`${rbac}/roles`, { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules })
  await api.create(`${rbac}/rolebindings`, {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: account },
    subjects: [{ kind: 'ServiceAccount', name: account, namespace }],
  })
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 24 * 3600 } }
  const answer = await api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
    request,
  )
  writeKubeconfig(options.path, { cluster: options.clusterEntry, user: account, token: answer.status.token, namespace })
}
