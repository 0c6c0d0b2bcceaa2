// The checks `permissions` and `rights-too-many`: what the account may do against what jobhook does.
import type { KubeResult } from '../model/kube-api.ts'
import type { PreflightApi } from './api.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'
import { EVERYTHING, type Excess, excessFor, grantCommand, granted, type Need, PERMISSIONS, type Permission } from './permissions.ts'

const NAME = 'permissions'

export interface AccessResult {
  /** False: the API does not know us at all, so that nothing else need be asked. */
  known: boolean
  results: CheckResult[]
}

type AccessApi = Pick<PreflightApi, 'namespace' | 'reviewRules' | 'reviewAccess' | 'whoAmI'>

/**
 * `thorough` asks about each right by itself; else one SelfSubjectRulesReview answers for all, and only what it does not list is asked about
 * (its list may be incomplete, as with a webhook authorizer).
 */
export async function checkPermissions(api: AccessApi, options: { needs: ReadonlySet<Need>; thorough: boolean }): Promise<AccessResult> {
  const wanted = PERMISSIONS.filter((permission) => options.needs.has(permission.need))
  const rules = options.thorough ? null : await api.reviewRules()
  const open = rules?.ok ? wanted.filter((permission) => !granted(permission, rules.value.resourceRules ?? [])) : wanted
  const answers = await Promise.all(open.map(async (permission) => ({ permission, allowed: await askFor(api, permission) })))
  const unknown = answers.find((answer) => !answer.allowed.ok)
  if (unknown && !unknown.allowed.ok) {
    const result = couldNotAsk(unknown.allowed.error)
    return { known: !result.blocking, results: [result] }
  }
  const missing = answers.filter(({ allowed }) => allowed.ok && !allowed.value).map(({ permission }) => permission)
  if (missing.length === 0) {
    return { known: true, results: [ok(NAME, `all ${wanted.length} rights that are needed in namespace ${api.namespace} are there`)] }
  }
  const user = await api.whoAmI()
  const username = user.ok ? user.value : null
  const who = username ?? 'this account'
  const results = [...Map.groupBy(missing, ({ group, resource, need }) => `${need} ${group}/${resource}`).values()].map((permissions) =>
    lacking(permissions, api.namespace, who, grantCommand(permissions, api.namespace, username)),
  )
  return { known: true, results }
}

function askFor(api: AccessApi, { group, resource, verb }: Permission): Promise<KubeResult<boolean>> {
  const [plural = '', subresource] = resource.split('/')
  return api.reviewAccess({
    verb,
    group,
    resource: plural,
    ...(subresource === undefined ? {} : { subresource }),
    namespace: api.namespace,
  })
}

function lacking(permissions: readonly Permission[], namespace: string, who: string, fix: string): CheckResult {
  const [first] = permissions
  const verbs = permissions.map(({ verb }) => verb).join(', ')
  const what = `${who} may not ${verbs} ${first?.resource} in namespace ${namespace}`
  const why = [...new Set(permissions.map(({ without }) => without))].join('; ')
  const need = first?.need
  return need === 'always' || need === 'tasks' || need === 'ledger'
    ? failed(NAME, what, why, fix, need === 'always')
    : warning(NAME, what, why, fix)
}

function couldNotAsk(error: { status: number; message: string }): CheckResult {
  const why = oneLine(error.message)
  if (/system:anonymous/.test(error.message)) {
    const fix = 'add a token or a client certificate under users[].user in the kubeconfig and name that user in its context'
    return failed(NAME, 'the kubeconfig has no credentials: the API takes us for nobody in particular', why, fix, true)
  }
  if (error.status === 401) {
    return failed(NAME, 'the API does not accept the credentials', why, 'log in again, or fetch the kubeconfig anew', true)
  }
  return warning(NAME, 'could not be asked for', why, 'try again; by hand: kubectl auth can-i --list')
}

/** What the account may do that jobhook never does, with these needs: whoever takes jobhook over could do it too. */
export async function checkExcess(api: AccessApi, needs: ReadonlySet<Need>): Promise<CheckResult | null> {
  const name = 'rights-too-many'
  const fix = 'run jobhook with a service account of its own that has a Role with the rights of docs/doctor.md and nothing more'
  const why = 'whoever gets hold of jobhook’s credentials can do it too'
  const ask = ({ attributes }: Excess) => api.reviewAccess({ namespace: api.namespace, ...attributes })
  const everything = await ask(EVERYTHING)
  // Not answered: the check `permissions` says so.
  if (!everything.ok) return null
  if (everything.value) return warning(name, `the account may ${EVERYTHING.what}`, why, fix)
  const found = (
    await Promise.all(
      excessFor(needs).map(async (excess) => {
        const answer = await ask(excess)
        return answer.ok && answer.value ? [excess.what] : []
      }),
    )
  ).flat()
  return found.length === 0
    ? ok(name, 'none of the rights that jobhook should not have')
    : warning(name, `the account may ${found.join(', ')}`, why, fix)
}
