/** Label and field selectors as list, watch and deleteCollection take them. Pure. */
import { parseLabelSelector } from '../lib/label-selector.ts'
import { at } from './json.ts'
import { badRequest } from './status.ts'
import type { KubeObject } from './types.ts'

export type Matcher = (object: KubeObject) => boolean

const everything: Matcher = () => true

/** Throws 400 with the real API's opening words. */
export function labelMatcher(text: string | null): Matcher {
  if (text === null) return everything
  const parsed = parseLabelSelector(text)
  if (!parsed.ok) throw badRequest(`unable to parse requirement: invalid label selector ${JSON.stringify(text)}`)
  return (object) => parsed.matches(object.metadata.labels ?? {})
}

/** Parses `metadata.name=a,status.phase!=Failed` against the fields a resource allows; `defaults` are the values of absent fields. */
export function fieldMatcher(text: string | null, allowed: readonly string[], kind: string): Matcher {
  if (text === null || text.trim() === '') return everything
  const tests = text.split(',').map((part): Matcher => {
    const split = /^\s*([^=!\s]+)\s*(==|=|!=)\s*(.*)$/.exec(part)
    if (split === null) throw badRequest(`invalid selector: '${text}'; can't understand '${part}'`)
    const [, field = '', operator, value = ''] = split
    if (!allowed.includes(field)) throw badRequest(`field label ${JSON.stringify(field)} not supported for ${kind}`)
    return (object) => (fieldValue(object, field, kind) === value) === (operator !== '!=')
  })
  return (object) => tests.every((test) => test(object))
}

/** Fields that are numbers read as `0` when they are absent, all others as the empty string. */
function fieldValue(object: KubeObject, field: string, kind: string): string {
  const value = at(object, field.split('.'))
  if (value !== undefined && value !== null) return String(value)
  return kind === 'Job' && field === 'status.successful' ? String(at(object, ['status', 'succeeded']) ?? 0) : ''
}
