// Kubernetes' label selectors: `a=b, c!=d, e in (f,g), h notin (i), j, !k`. Parsed once, then asked. Pure. Source: k8s.io/apimachinery/pkg/labels.
import { type Refusal, refusal } from '../model/problem.ts'

export type LabelTest = (labels: Readonly<Record<string, string>>) => boolean
export type ParsedSelector = { ok: true; matches: LabelTest } | { ok: false; requirement: string }

const KEY = '((?:[A-Za-z0-9.-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)'
const VALUE = '((?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?)'
const EXISTS = new RegExp(`^${KEY}$`)
const ABSENT = new RegExp(`^!\\s*${KEY}$`)
const EQUALS = new RegExp(`^${KEY}\\s*(==|=|!=)\\s*${VALUE}$`)
const SET = new RegExp(`^${KEY}\\s+(in|notin)\\s*\\(([^()]*)\\)$`)
const ONE_VALUE = new RegExp(`^${VALUE}$`)

/** All requirements must hold; an empty selector matches everything. The requirement that cannot be read is handed back. */
export function parseLabelSelector(text: string): ParsedSelector {
  if (text.trim() === '') return { ok: true, matches: () => true }
  const tests: LabelTest[] = []
  for (const part of splitRequirements(text)) {
    const test = readRequirement(part)
    if (!test) return { ok: false, requirement: part }
    tests.push(test)
  }
  return { ok: true, matches: (labels) => tests.every((test) => test(labels)) }
}

export function unreadableSelector(requirement: string): Refusal {
  const detail = `cannot be read at ${JSON.stringify(requirement)}: write it as for kubectl -l, for example team=web or team in (web,db)`
  return refusal('invalid_request', `/label ${detail}`, { errors: [{ pointer: '/label', detail }] })
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

function readRequirement(part: string): LabelTest | null {
  const exists = EXISTS.exec(part)
  if (exists) return has(exists[1] ?? '')
  const absent = ABSENT.exec(part)
  if (absent) return not(has(absent[1] ?? ''))
  const equals = EQUALS.exec(part)
  if (equals) {
    const [, key = '', operator, value = ''] = equals
    const is: LabelTest = (labels) => Object.hasOwn(labels, key) && labels[key] === value
    return operator === '!=' ? not(is) : is
  }
  const set = SET.exec(part)
  if (!set) return null
  const [, key = '', operator, list = ''] = set
  const values = list.split(',').map((value) => value.trim())
  if (!values.every((value) => ONE_VALUE.test(value))) return null
  const within: LabelTest = (labels) => Object.hasOwn(labels, key) && values.includes(labels[key] ?? '')
  // As in Kubernetes, != and notin match what does not have the label at all.
  return operator === 'in' ? within : not(within)
}

function has(key: string): LabelTest {
  return (labels) => Object.hasOwn(labels, key)
}

function not(test: LabelTest): LabelTest {
  return (labels) => !test(labels)
}
