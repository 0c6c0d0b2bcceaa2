// What jobhook asked of the API server, by the server's own audit log: one line for each request of a service account.
import { closeSync, openSync, readSync, statSync } from 'node:fs'

export interface Requests {
  /** create, update, patch, delete of anything but Leases and the ledger's ConfigMaps. */
  writes: number
  /** get and list of anything but Leases. */
  reads: number
  ledger: number
  /** verb resource → how often. */
  each: Record<string, number>
}

interface Line {
  verb: string
  user: { username: string }
  objectRef?: { resource: string; subresource?: string }
}

export function auditPosition(file: string): number {
  return statSync(file).size
}

/** Requests of one user since a position in the file. */
export function requestsSince(file: string, position: number, username: string): Requests {
  const result: Requests = { writes: 0, reads: 0, ledger: 0, each: {} }
  for (const text of readFrom(file, position).split('\n')) {
    if (text === '') continue
    const { verb, user, objectRef } = JSON.parse(text) as Line
    const resource = objectRef?.resource ?? 'other'
    if (user.username !== username || resource === 'leases' || verb === 'watch') continue
    const key = `${verb} ${resource}${objectRef?.subresource ? `/${objectRef.subresource}` : ''}`
    result.each[key] = (result.each[key] ?? 0) + 1
    if (verb === 'get' || verb === 'list') result.reads++
    else if (resource === 'configmaps') result.ledger++
    else result.writes++
  }
  return result
}

function readFrom(file: string, position: number): string {
  const length = statSync(file).size - position
  const bytes = Buffer.alloc(length)
  const descriptor = openSync(file, 'r')
  readSync(descriptor, bytes, 0, length, position)
  closeSync(descriptor)
  const text = bytes.toString('utf8')
  return text.slice(0, text.lastIndexOf('\n') + 1)
}
