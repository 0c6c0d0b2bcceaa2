/** A fresh namespace on a real cluster with a ServiceAccount that may do there what jobhook may, and its removal. Needs an administrator. */
import { randomBytes } from 'node:crypto'
import type { Target } from './target.ts'

type Call = Target['call']

const RULES = [
  { apiGroups: ['batch'], resources: ['jobs'], verbs: ['*'] },
  { apiGroups: [''], resources: ['pods', 'pods/log', 'secrets', 'configmaps', 'events'], verbs: ['*'] },
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['*'] },
]

export async function prepareNamespace(
  admin: Call,
  hasControllers: boolean,
): Promise<{ namespace: string; token: string; remove(): Promise<void> }> {
  const namespace = `contract-${randomBytes(4).toString('hex')}`
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`
  await must(admin, 'POST', '/api/v1/namespaces', { metadata: { name: namespace } })
  await must(admin, 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: 'tester' } })
  await must(admin, 'POST', `${rbac}/roles`, { metadata: { name: 'tester' }, rules: RULES })
  await must(admin, 'POST', `${rbac}/rolebindings`, {
    metadata: { name: 'tester' },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'tester' },
    subjects: [{ kind: 'ServiceAccount', name: 'tester', namespace }],
  })
  const { body } = await must(admin, 'POST', `/api/v1/namespaces/${namespace}/serviceaccounts/tester/token`, {
    spec: { expirationSeconds: 3600 },
  })
  if (hasControllers) await untilReady(admin, namespace)
  else await admin('POST', `/api/v1/namespaces/${namespace}/serviceaccounts`, { body: { metadata: { name: 'default' } } })
  await untilAllowed(admin, namespace)
  return {
    namespace,
    token: body.status.token,
    async remove() {
      await dropFinalizers(admin, namespace)
      await admin('DELETE', `/api/v1/namespaces/${namespace}`)
    },
  }
}

async function must(call: Call, method: string, path: string, body: unknown) {
  const answer = await call(method, path, { body })
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer
}

/** Pods are refused until the namespace has its default ServiceAccount, and cannot start without its root certificate. */
async function untilReady(call: Call, namespace: string): Promise<void> {
  const deadline = Date.now() + 30_000
  for (;;) {
    const account = await call('GET', `/api/v1/namespaces/${namespace}/serviceaccounts/default`)
    const root = await call('GET', `/api/v1/namespaces/${namespace}/configmaps/kube-root-ca.crt`)
    if (account.status === 200 && root.status === 200) return
    if (Date.now() > deadline) throw new Error(`no default ServiceAccount in ${namespace}: does the controller manager run?`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** The API server's authorizer hears of a new RoleBinding a moment later. */
async function untilAllowed(call: Call, namespace: string): Promise<void> {
  const deadline = Date.now() + 30_000
  const user = `system:serviceaccount:${namespace}:tester`
  const spec = { user, resourceAttributes: { namespace, verb: 'create', group: 'batch', resource: 'jobs' } }
  for (;;) {
    const { body } = await call('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', { body: { spec } })
    if (body.status?.allowed === true) return
    if (Date.now() > deadline) throw new Error(`${user} may not create Jobs in ${namespace}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** What a failed test left behind must not keep the namespace. */
async function dropFinalizers(call: Call, namespace: string): Promise<void> {
  for (const collection of [`/apis/batch/v1/namespaces/${namespace}/jobs`, `/api/v1/namespaces/${namespace}/configmaps`]) {
    const { body } = await call('GET', collection)
    for (const item of body.items ?? []) {
      if (item.metadata.finalizers === undefined) continue
      await call('PATCH', `${collection}/${item.metadata.name}`, {
        body: { metadata: { finalizers: null } },
        contentType: 'application/merge-patch+json',
      })
    }
  }
}
