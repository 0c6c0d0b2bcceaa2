/** Writes JSON answers and Status errors. The only place that sets response headers for them. */
import type { ServerResponse } from 'node:http'
import { type ApiError, statusBody } from '../status.ts'
import type { KubeObject } from '../types.ts'

const serialised = new WeakMap<KubeObject, string>()

/** An object's JSON, made once however many watchers get it. Stored objects never change, so it stays true. */
export function jsonOf(object: KubeObject): string {
  const known = serialised.get(object)
  if (known !== undefined) return known
  const text = JSON.stringify(object)
  serialised.set(object, text)
  return text
}

export function sendJson(response: ServerResponse, code: number, body: unknown): void {
  sendText(response, code, 'application/json', JSON.stringify(body))
}

export function sendText(response: ServerResponse, code: number, contentType: string, text: string): void {
  response.writeHead(code, { 'content-type': contentType, 'content-length': Buffer.byteLength(text), 'cache-control': 'no-cache, private' })
  response.end(text)
}

export function sendError(response: ServerResponse, error: ApiError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  if (error.details?.retryAfterSeconds !== undefined) response.setHeader('retry-after', String(error.details.retryAfterSeconds))
  sendJson(response, error.code, statusBody(error))
}

/** A warning for the person at the client, as kubectl prints it. */
export function addWarning(response: ServerResponse, text: string): void {
  response.appendHeader('warning', `299 - ${JSON.stringify(text)}`)
}
