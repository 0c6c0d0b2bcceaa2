// From bytes or JSON to a message that fits its schema. `type` is looked at first, then that type's schema: a union of schemas would report
// the errors of every branch. Used by the webhook, the long poll and the socket alike.
import { createValidator } from '../lib/validate.ts'
import { AssignmentMessage, CancellationMessage, HeartbeatMessage, INBOUND_TYPES, type InboundMessage } from '../model/assignment.ts'
import { dropNulls } from '../model/drop-nulls.ts'
import { type FieldError, type Refusal, refusal } from '../model/problem.ts'

export type Parsed<T> = { ok: true; value: T } | { ok: false; refusal: Refusal }

const validators = {
  task_assignment: createValidator(AssignmentMessage),
  task_cancellation: createValidator(CancellationMessage),
  heartbeat: createValidator(HeartbeatMessage),
}

/** Deeper nesting than any real message has; every later walk over the value is recursive. */
const DEEPEST_NESTING = 64

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes of a request body: UTF-8 (a byte order mark is refused too), JSON, not nested too deeply. */
export function parseJsonBytes(raw: Uint8Array): Parsed<unknown> {
  let text: string
  try {
    text = utf8.decode(raw)
  } catch {
    return {
      ok: false,
      refusal: refusal('invalid_encoding', 'the body has bytes that are not UTF-8: encode it as UTF-8 and sign those bytes'),
    }
  }
  try {
    const value: unknown = JSON.parse(text)
    if (nestingExceeds(value, DEEPEST_NESTING)) {
      return { ok: false, refusal: refusal('invalid_request', `the body is nested more than ${DEEPEST_NESTING} levels deep`) }
    }
    return { ok: true, value }
  } catch (error) {
    // V8's message quotes the text around the error, which may be a secret: only the position is told.
    const position = error instanceof Error ? /position (\d+)/.exec(error.message)?.[1] : undefined
    const where =
      text.trim() === ''
        ? 'it is empty'
        : position === undefined
          ? 'it ends too early or has a syntax error'
          : `syntax error at character ${position}`
    return { ok: false, refusal: refusal('invalid_json', `the body is not JSON: ${where}`) }
  }
}

/** null: not nested too deeply. For values that did not come through parseJsonBytes. */
export function nestingProblem(value: unknown): Refusal | null {
  return nestingExceeds(value, DEEPEST_NESTING)
    ? refusal('invalid_request', `the message is nested more than ${DEEPEST_NESTING} levels deep`)
    : null
}

/** A parsed JSON value as one of the inbound messages. */
export function parseMessage(value: unknown): Parsed<InboundMessage> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return invalid([{ pointer: '', detail: 'must be an object with the fields type and data' }])
  }
  const type = 'type' in value ? value.type : undefined
  if (!isInboundType(type)) {
    const known = INBOUND_TYPES.join(', ')
    return invalid([{ pointer: '/type', detail: type === undefined ? `is required: one of ${known}` : `must be one of ${known}` }])
  }
  const data = 'data' in value ? dropNulls(value.data) : undefined
  const checked = validators[type](data === undefined ? { type } : { type, data })
  return checked.ok ? { ok: true, value: checked.value } : invalid(checked.errors)
}

export function invalid(errors: FieldError[]): { ok: false; refusal: Refusal } {
  const first = errors[0]
  const rest = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  return {
    ok: false,
    refusal: refusal(
      'invalid_request',
      first ? `${first.pointer || 'the message'} ${first.detail}${rest}` : 'the request does not fit the schema',
      { errors },
    ),
  }
}

function isInboundType(type: unknown): type is (typeof INBOUND_TYPES)[number] {
  return INBOUND_TYPES.some((known) => known === type)
}

function nestingExceeds(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false
  if (levels === 0) return true
  const members = value as Record<string, unknown>
  for (const name of Object.keys(members)) if (nestingExceeds(members[name], levels - 1)) return true
  return false
}
