// What this stage is handed: reading a container's log and a Secret's values. Types only.
import type { Readable } from 'node:stream'
import type { KubeResult } from '../model/kube-api.ts'

export interface LogQuery {
  container?: string
  follow?: boolean
  tailLines?: number
  /** RFC 3339. */
  sinceTime?: string
}

/** The body as it comes; the caller reads it or destroys it. Throws only the caller's own abort. */
export type ReadLog = (pod: string, query: LogQuery, signal?: AbortSignal) => Promise<KubeResult<Readable>>

/** The values of a Secret, decoded. */
export type ReadSecretValues = (name: string) => Promise<KubeResult<string[]>>
