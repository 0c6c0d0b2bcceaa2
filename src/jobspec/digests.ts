// What was asked, as one short digest a field: the same request again is recognised without keeping it, and without a hash of any secret.
import { hash } from 'node:crypto'
import type { TSchema } from '@sinclair/typebox'
import { Assignment } from '../model/assignment.ts'
import { SCHEMA_VERSION } from '../model/keys.ts'

/** The identity is in the name already. */
const NOT_DIGESTED: readonly string[] = ['task_id', 'execution_id']
/** 60 bits a field. */
const DIGEST_LENGTH = 10

// One call for the whole text (`hash`), not an object fed in steps: three times faster, and every task takes a dozen.

/** Field → digest, for every known field present. `env_vars` counts by its sorted names only: a redelivery may carry fresh tokens. */
export function digests(assignment: Assignment): Record<string, string> {
  const result: Record<string, string> = {}
  const known = knownAssignment(assignment)
  if (!isRecord(known)) return result
  for (const field of Object.keys(known).sort()) {
    if (NOT_DIGESTED.includes(field)) continue
    const value = known[field]
    const counted = field === 'env_vars' && isRecord(value) ? Object.keys(value).sort() : value
    result[field] = digestOf(canonicalJson(counted))
  }
  return result
}

/** Images, commands and sizes are the same from task to task. Bounded: when it is full it starts over. */
const digestsOfTexts = new Map<string, string>()
const REMEMBERED = 1_024
const REMEMBERED_LENGTH = 128

function digestOf(text: string): string {
  const before = digestsOfTexts.get(text)
  if (before !== undefined) return before
  const digest = hash('sha256', text, 'base64url').slice(0, DIGEST_LENGTH)
  if (text.length <= REMEMBERED_LENGTH) {
    if (digestsOfTexts.size >= REMEMBERED) digestsOfTexts.clear()
    digestsOfTexts.set(text, digest)
  }
  return digest
}

/**
 * Names of the fields that differ. Written by this version of jobhook: any difference counts. Written by another: only fields that both
 * know, which are the stored ones that this version knows too (one that only `current` has may be unknown to the other).
 */
export function differingFields(
  stored: Readonly<Record<string, string>>,
  storedSchema: string,
  current: Readonly<Record<string, string>>,
): string[] {
  const differs = (field: string) => own(stored, field) !== own(current, field)
  const compared =
    storedSchema === SCHEMA_VERSION
      ? [...new Set([...Object.keys(stored), ...Object.keys(current)])]
      : Object.keys(stored).filter((field) => Object.hasOwn(Assignment.properties, field))
  return compared.filter(differs).sort()
}

/** Asked for by every check of one assignment and by its digests. */
const known = new WeakMap<Assignment, unknown>()

/** What of an assignment its schema names. */
export function knownAssignment(assignment: Assignment): unknown {
  const before = known.get(assignment)
  if (before !== undefined) return before
  const part = knownPart(Assignment, assignment)
  known.set(assignment, part)
  return part
}

/** A copy with only the members its schema names, at any depth. What a schema leaves open (a record, unknown) is kept whole. */
export function knownPart(schema: TSchema, value: unknown): unknown {
  if (schema.type === 'array' && Array.isArray(value)) return value.map((item) => knownPart(schema.items, item))
  if (schema.type !== 'object' || !isRecord(value)) return value
  const members: Record<string, TSchema> | undefined = schema.properties
  if (!members) return value
  const result: Record<string, unknown> = {}
  for (const name of Object.keys(value)) {
    const member = Object.hasOwn(members, name) ? members[name] : undefined
    if (member && value[name] !== undefined) result[name] = knownPart(member, value[name])
  }
  return result
}

/** JSON with the members of every object sorted by name. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (!isRecord(value)) return JSON.stringify(value) ?? 'null'
  let members = ''
  for (const name of Object.keys(value).sort())
    members += `${members === '' ? '' : ','}${JSON.stringify(name)}:${canonicalJson(value[name])}`
  return `{${members}}`
}

function own(record: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value)
}
