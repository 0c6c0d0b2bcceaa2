/** Label and field selectors as list, watch and deleteCollection take them. Pure. */
import { at } from './json.ts'
import { badRequest } from './status.ts'
import type { KubeObject } from './types.ts'

export type Matcher = (object: KubeObject) => boolean

type LabelTest = (labels: Record<string, string>) => boolean

const everything: Matcher = () => true

/** Parses `a=b,c!=d,e in (f,g),h notin (i),j,!k`. Throws 400 with the real API's opening words. */
export function labelMatcher(text: string | null): Matcher {
  if (text === null || text.trim() === '') return everything
  const tests = splitRequirements(text).map((part) => requirement(part, text))
  return (object) => tests.every((test) => test(object.metadata.labels ?? {}))
}

/** Commas inside parentheses belong to a set, the others part requirements. */
function splitRequirements(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '(') depth += 1
    else if (character === ')') depth -= 1
    else if (character === ',' && depth === 0) {
      parts.push(text.slice(from, index))
      from = index + 1
    }
  }
  parts.push(text.slice(from))
  return parts.map((part) => part.trim())
}

const KEY = '((?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)'
const VALUE = '((?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?)'
const EXISTS = new RegExp(`^${KEY}$`)
const ABSENT = new RegExp(`^!\\s*${KEY}$`)
const EQUALS = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*${VALUE}$`)
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s+\\(([^()]*)\\)$`)

function requirement(part: string, whole: string): LabelTest {
  const exists = EXISTS.exec(part)
  if (exists !== null) return has(exists[1] ?? '')
  const absent = ABSENT.exec(part)
  if (absent !== null) {
    const test = has(absent[1] ?? '')
    return (labels) => !test(labels)
  }
  const equals = EQUALS.exec(part)
  if (equals !== null) {
    const [, key = '', operator, value = ''] = equals
    return operator === '!=' ? (labels) => labels[key] !== value : (labels) => labels[key] === value
  }
  const set = SET.exec(part)
  if (set !== null) {
    const [, key = '', operator, list = ''] = set
    const values = new Set(list.split(',').map((value) => value.trim()))
    const within: LabelTest = (labels) => labels[key] !== undefined && values.has(labels[key])
    return operator === 'in' ? within : (labels) => !within(labels)
  }
  throw badRequest(`unable to parse requirement: invalid label selector ${JSON.stringify(whole)}`)
}

function has(key: string): LabelTest {
  return (labels) => labels[key] !== undefined
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
