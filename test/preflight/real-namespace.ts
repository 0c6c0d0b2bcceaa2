// Namespaces, accounts and kubeconfigs on a real cluster, made by its administrator for one test and removed after.
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse, stringify } from 'yaml'
import { type PolicyRule, roleRules } from '../../src/preflight/index.ts'
import { until } from '../support/wait.ts'

export const ADMIN = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? ''
export const skip = ADMIN === '' ? 'JOBHOOK_TEST_ADMIN_KUBECONFIG is not set: needs a real cluster (npm run test:cluster)' : false

const execute = promisify(execFile)

/** Throws with what kubectl says. */
export async function kubectl(args: string[], input?: object): Promise<string> {
  const running = execute('kubectl', ['--kubeconfig', ADMIN, ...args], { encoding: 'utf8' })
  running.child.stdin?.end(input === undefined ? '' : JSON.stringify(input))
  return (await running).stdout
}

const made: string[] = []

export async function makeNamespace(labels: Record<string, string> = {}): Promise<string> {
  const name = `doctor-${randomBytes(4).toString('hex')}`
  await kubectl(['create', '-f', '-'], { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  made.push(name)
  // Pods are refused until the namespace has its default service account.
  await until('the default service account', () => kubectl(['-n', name, 'get', 'serviceaccount', 'default']), { everyMs: 100 })
  return name
}

export async function removeNamespaces(): Promise<void> {
  if (made.length > 0) await kubectl(['delete', 'namespace', '--wait=false', ...made])
}

export const FULL_ROLE = roleRules(new Set(['always', 'tasks', 'detail', 'ledger', 'sweep', 'preflight-job', 'checks']))

/** A service account with these rules in the namespace, and the path of a kubeconfig that acts as it. */
export async function makeAccount(folder: string, namespace: string, rules: readonly PolicyRule[] = FULL_ROLE): Promise<string> {
  const name = `jobhook-${randomBytes(4).toString('hex')}`
  const metadata = { name, namespace }
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name }
  await kubectl(['create', '-f', '-'], {
    apiVersion: 'v1',
    kind: 'List',
    items: [
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata },
      { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role', metadata, rules },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata,
        roleRef,
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    ],
  })
  const token = (await kubectl(['-n', namespace, 'create', 'token', name])).trim()
  return writeKubeconfig(folder, { namespace, user: { token } })
}

/** The administrator's way to the API with another user, server or CA. `user` null: nobody. */
export function writeKubeconfig(folder: string, change: { namespace: string; user: object | null; cluster?: object }): string {
  const cluster = { ...(parse(readFileSync(ADMIN, 'utf8')) as { clusters: { cluster: object }[] }).clusters[0]?.cluster, ...change.cluster }
  const path = join(folder, `kubeconfig-${randomBytes(4).toString('hex')}`)
  const content = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    clusters: [{ name: 'c', cluster: JSON.parse(JSON.stringify(cluster)) as object }],
    users: change.user === null ? [] : [{ name: 'u', user: change.user }],
    contexts: [{ name: 'c', context: { cluster: 'c', ...(change.user === null ? {} : { user: 'u' }), namespace: change.namespace } }],
  }
  writeFileSync(path, stringify(content), { mode: 0o600 })
  return path
}
