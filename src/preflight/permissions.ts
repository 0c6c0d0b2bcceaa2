// Every right jobhook uses, each with what goes wrong without it. The one table behind preflight, doctor and the chart's Role; a test holds it
// against what src/cluster really sends. Pure.

/**
 * When a right is needed. `always`: without it every task fails. `tasks`: without it some tasks fail or leave something behind. `detail`: without it
 * reports say less. `ledger`: with retention.dedupe. `sweep`: with sweep_secrets. `preflight-job`: with preflight_image. `checks`: for preflight's own questions.
 */
export type Need = 'always' | 'tasks' | 'detail' | 'ledger' | 'sweep' | 'preflight-job' | 'checks'

export interface Permission {
  group: '' | 'batch' | 'coordination.k8s.io'
  /** With its subresource: pods/log. */
  resource: string
  verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete'
  need: Need
  without: string
}

export const PERMISSIONS: readonly Permission[] = [
  { group: 'batch', resource: 'jobs', verb: 'create', need: 'always', without: 'no task can start' },
  { group: 'batch', resource: 'jobs', verb: 'get', need: 'always', without: 'a repeated delivery cannot be told from a new task' },
  { group: 'batch', resource: 'jobs', verb: 'list', need: 'always', without: 'no task is ever seen to start or end' },
  { group: 'batch', resource: 'jobs', verb: 'watch', need: 'always', without: 'no task is ever seen to start or end' },
  { group: 'batch', resource: 'jobs', verb: 'patch', need: 'always', without: 'no task can be stopped, and none closed after its report' },
  { group: '', resource: 'pods', verb: 'list', need: 'always', without: 'nobody sees how a task’s Pod fares' },
  { group: '', resource: 'pods', verb: 'watch', need: 'always', without: 'nobody sees how a task’s Pod fares' },
  { group: 'coordination.k8s.io', resource: 'leases', verb: 'get', need: 'always', without: 'no replica can lead, so nothing is reported' },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verb: 'create',
    need: 'always',
    without: 'no replica can lead, so nothing is reported',
  },
  {
    group: 'coordination.k8s.io',
    resource: 'leases',
    verb: 'update',
    need: 'always',
    without: 'no replica can lead, so nothing is reported',
  },
  {
    group: '',
    resource: 'pods',
    verb: 'delete',
    need: 'tasks',
    without: 'a Pod that its Job controller has lost sight of runs on after its task was reported',
  },
  { group: '', resource: 'secrets', verb: 'create', need: 'tasks', without: 'tasks with env_vars are refused' },
  { group: '', resource: 'secrets', verb: 'delete', need: 'tasks', without: 'the Secrets of finished tasks stay' },
  {
    group: '',
    resource: 'secrets',
    verb: 'get',
    need: 'detail',
    without: 'the end of a failed task’s log stays out of its report, because it may show secrets',
  },
  { group: '', resource: 'secrets', verb: 'list', need: 'sweep', without: 'Secrets left behind by a crash are not cleared up' },
  { group: '', resource: 'pods/log', verb: 'get', need: 'detail', without: 'reports of failed tasks come without the end of the log' },
  { group: '', resource: 'events', verb: 'list', need: 'detail', without: 'reports say less about why a Pod did not start' },
  {
    group: '',
    resource: 'configmaps',
    verb: 'list',
    need: 'ledger',
    without: 'a task that is delivered again after its Job is gone runs again',
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'watch',
    need: 'ledger',
    without: 'a task that is delivered again after its Job is gone runs again',
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'create',
    need: 'ledger',
    without: 'a task that is delivered again after its Job is gone runs again',
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'patch',
    need: 'ledger',
    without: 'a task that is delivered again after its Job is gone runs again',
  },
  {
    group: '',
    resource: 'configmaps',
    verb: 'delete',
    need: 'ledger',
    without: 'a task that is delivered again after its Job is gone runs again',
  },
  { group: 'batch', resource: 'jobs', verb: 'delete', need: 'preflight-job', without: 'the preflight Job is left to its time to live' },
  {
    group: '',
    resource: 'namespaces',
    verb: 'get',
    need: 'checks',
    without: 'the namespace’s Pod Security level is not checked, and Jobs are not let go when the namespace is deleted',
  },
  { group: '', resource: 'resourcequotas', verb: 'list', need: 'checks', without: 'the namespace’s quotas are not checked' },
  { group: '', resource: 'limitranges', verb: 'list', need: 'checks', without: 'the namespace’s limit ranges are not checked' },
]

export interface PolicyRule {
  apiGroups: string[]
  resources: string[]
  verbs: string[]
}

/** The rules of a Role (rbac.authorization.k8s.io/v1) that grants them: one a resource, in the table's order. */
export function roleRules(needs: ReadonlySet<Need>): PolicyRule[] {
  const rules = new Map<string, PolicyRule>()
  for (const { group, resource, verb, need } of PERMISSIONS) {
    if (!needs.has(need)) continue
    const rule = rules.get(`${group}/${resource}`) ?? { apiGroups: [group], resources: [resource], verbs: [] }
    rule.verbs.push(verb)
    rules.set(`${group}/${resource}`, rule)
  }
  return [...rules.values()]
}

/** What a SelfSubjectRulesReview lists, as far as it is read. */
export interface ResourceRule {
  verbs?: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
}

/** Whether the rules grant it for every object. False may only mean that the list is incomplete: ask about that one by itself. */
export function granted(permission: Permission, rules: readonly ResourceRule[]): boolean {
  const [, subresource] = permission.resource.split('/')
  const names = ['*', permission.resource, ...(subresource === undefined ? [] : [`*/${subresource}`])]
  return rules.some(
    (rule) =>
      has(rule.verbs, ['*', permission.verb]) &&
      has(rule.apiGroups, ['*', permission.group]) &&
      has(rule.resources, names) &&
      (rule.resourceNames ?? []).length === 0,
  )
}

function has(list: readonly string[] | undefined, wanted: readonly string[]): boolean {
  return (list ?? []).some((item) => wanted.includes(item))
}

/** The kubectl commands that grant them to an account: a Role and its binding for each resource. */
export function grantCommand(missing: readonly Permission[], namespace: string, username: string | null): string {
  const byResource = Map.groupBy(missing, ({ group, resource }) => (group === '' ? resource : withGroup(resource, group)))
  return [...byResource]
    .map(([resource, permissions]) => {
      const verbs = [...new Set(permissions.map(({ verb }) => verb))]
      const name = `jobhook-${resource.replaceAll(/[^a-z]+/g, '-')}-${verbs.join('-')}`
      const create = `kubectl -n ${namespace} create`
      return `${create} role ${name} --verb=${verbs.join(',')} --resource=${resource} && ${create} rolebinding ${name} --role=${name} ${subject(username)}`
    })
    .join(' && ')
}

function withGroup(resource: string, group: string): string {
  const [plural, subresource] = resource.split('/')
  return subresource === undefined ? `${plural}.${group}` : `${plural}.${group}/${subresource}`
}

/** system:serviceaccount:NAMESPACE:NAME is a service account, anything else a user. */
export function subject(username: string | null): string {
  if (username === null) return '--serviceaccount=NAMESPACE:NAME'
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username) ?? []
  return namespace !== undefined && name !== undefined
    ? `--serviceaccount=${namespace}:${name}`
    : `--user=${/^[\w.@:-]+$/.test(username) ? username : `'${username.replaceAll("'", "'\\''")}'`}`
}

/** A right jobhook does not use and should not have. */
export interface Excess {
  attributes: {
    verb: string
    resource: string
    subresource?: string
    group?: string /** Absent: the tasks' namespace; empty: all. */
    namespace?: string
  }
  what: string
}

/** Asked first: who may do everything gets one line instead of ten. */
export const EVERYTHING: Excess = {
  attributes: { verb: '*', resource: '*', group: '*', namespace: '' },
  what: 'do everything in the whole cluster',
}

/** Those of the list below that these needs do not use after all. */
export function excessFor(needs: ReadonlySet<Need>): readonly Excess[] {
  const used = PERMISSIONS.filter(({ need }) => needs.has(need)).map(({ verb, resource }) => `${verb} ${resource}`)
  return EXCESS.filter(({ attributes: { verb, resource, namespace } }) => namespace !== undefined || !used.includes(`${verb} ${resource}`))
}

const EXCESS: readonly Excess[] = [
  { attributes: { verb: 'get', resource: 'secrets' }, what: 'read every Secret of the namespace (get)' },
  { attributes: { verb: 'list', resource: 'secrets' }, what: 'read every Secret of the namespace (list)' },
  { attributes: { verb: 'create', resource: 'pods' }, what: 'create Pods of its own' },
  { attributes: { verb: 'create', resource: 'pods', subresource: 'exec' }, what: 'run commands in running Pods (pods/exec)' },
  { attributes: { verb: 'create', resource: 'serviceaccounts', subresource: 'token' }, what: 'make tokens of other service accounts' },
  { attributes: { verb: 'create', resource: 'rolebindings', group: 'rbac.authorization.k8s.io' }, what: 'bind roles' },
  { attributes: { verb: 'list', resource: 'secrets', namespace: '' }, what: 'read the Secrets of every namespace' },
  { attributes: { verb: 'create', resource: 'jobs', group: 'batch', namespace: '' }, what: 'create Jobs in every namespace' },
  { attributes: { verb: 'create', resource: 'pods', namespace: 'kube-system' }, what: 'create Pods in kube-system' },
  { attributes: { verb: 'list', resource: 'nodes', namespace: '' }, what: 'list the nodes' },
  { attributes: { verb: 'patch', resource: 'nodes', namespace: '' }, what: 'change nodes' },
]
