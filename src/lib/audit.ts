// Audit lines: who did what, from where. One for each mutation that somebody outside asked for, whichever way in, and for each read of a log.
import type { FastifyRequest } from 'fastify'
import type { Logger } from './log.ts'

/** Who asks. */
export interface Actor {
  /** The token's name; null: a signed webhook, or a message that was fetched. */
  who: string | null
  /** The client's address (trusted proxies left out), or the control plane that a message was fetched from. */
  from: string
  /** Also in the answer's problem details; null: not a request of its own. */
  request_id: string | null
  /** The sender's id of the message, where it has one. */
  message_id: string | null
}

export type AuditEntry = Actor & { action: 'submit' | 'cancel' | 'replay' | 'logs' | 'login'; via: string } & Record<string, unknown>

export type Audit = (entry: AuditEntry) => void

export function createAudit(log: Logger): Audit {
  return ({ who, action, request_id, message_id, ...rest }) =>
    log.info(
      { audit: true, who, action, ...rest, ...(request_id === null ? {} : { request_id }), ...(message_id === null ? {} : { message_id }) },
      'audit',
    )
}

export function actorOf(request: FastifyRequest): Actor {
  const messageId = request.headers['webhook-id']
  return { who: request.callerName, from: request.ip, request_id: request.id, message_id: typeof messageId === 'string' ? messageId : null }
}
