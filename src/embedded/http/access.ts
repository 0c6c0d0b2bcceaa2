/** Who may do what: everyone who knows the path may do everything, unless a test hands in a denial. Also answers SelfSubjectAccessReview. */

import { invalidValue } from '../api/causes.ts'
import { isObject } from '../json.ts'
import { type ApiError, forbidden, invalid } from '../status.ts'
import type { JsonObject } from '../types.ts'
import type { Target } from './target.ts'

export interface AccessAttributes {
  verb: string
  group: string
  resource: string
  subresource: string
  namespace: string
  name: string
}

/** True means denied. */
export type DenyRule = (attributes: AccessAttributes) => boolean

const USER = 'system:serviceaccount:default:embedded'

export function requireAccess(deny: DenyRule | null, target: Target, verb: string): void {
  const { type, namespace, name, subresource } = target
  const attributes = { verb, group: type.group, resource: type.plural, subresource, namespace, name }
  if (deny?.(attributes) === true) throw denied(attributes)
}

function denied({ verb, group, resource, subresource, namespace, name }: AccessAttributes): ApiError {
  const scope = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`
  const full = subresource === '' ? resource : `${resource}/${subresource}`
  return forbidden(
    { group, plural: resource, kind: '' },
    name,
    `User "${USER}" cannot ${verb} resource "${full}" in API group "${group}" ${scope}`,
  )
}

export function reviewAccess(deny: DenyRule | null, review: JsonObject): JsonObject {
  const spec = isObject(review.spec) ? review.spec : {}
  const attributes = spec.resourceAttributes
  if (isObject(attributes) === isObject(spec.nonResourceAttributes)) {
    const cause = invalidValue('spec', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified')
    throw invalid({ group: 'authorization.k8s.io', plural: 'selfsubjectaccessreviews', kind: 'SelfSubjectAccessReview' }, '', [cause])
  }
  const text = (name: string): string => (isObject(attributes) ? String(attributes[name] ?? '') : '')
  const asked = {
    verb: text('verb'),
    group: text('group'),
    resource: text('resource'),
    subresource: text('subresource'),
    namespace: text('namespace'),
    name: text('name'),
  }
  const allowed = !isObject(attributes) || deny?.(asked) !== true
  return { kind: 'SelfSubjectAccessReview', apiVersion: 'authorization.k8s.io/v1', metadata: {}, spec, status: { allowed } }
}
