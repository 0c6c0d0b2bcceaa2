// What an answer of the Kubernetes API is to the rest of jobhook: a value, or an error a caller can decide on. Types only.

/**
 * A refused or failed request. `status` 0 means that no HTTP answer came.
 * Source: the API's Status object (metav1.Status), or the connection's error.
 */
export interface KubeError {
  status: number
  /** Status.reason (AlreadyExists, Conflict, Forbidden, Expired, …) or a connection error code (ECONNREFUSED, …). */
  reason: string
  message: string
  /** From Retry-After or Status.details.retryAfterSeconds; null when not given. */
  retryAfterMs: number | null
  /** The same request may succeed later. */
  retryable: boolean
  /** The request may have been carried out although no success was seen. */
  outcomeUnknown: boolean
  cause?: unknown
}

export type KubeResult<T> = { ok: true; value: T } | { ok: false; error: KubeError }

/** The metadata every Kubernetes object has, as far as it is read here. */
export interface ObjectMeta {
  name?: string
  generateName?: string
  namespace?: string
  uid?: string
  resourceVersion?: string
  generation?: number
  creationTimestamp?: string
  deletionTimestamp?: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: { apiVersion: string; kind: string; name: string; uid: string; controller?: boolean; blockOwnerDeletion?: boolean }[]
}

export interface KubeObject {
  apiVersion?: string
  kind?: string
  metadata: ObjectMeta
}

/** One page of a list, items as the API sent them (managedFields may be left out). */
export interface ListPage {
  /** Parsed when first asked for: read it once. */
  readonly items: unknown[]
  resourceVersion: string
  continueToken: string | null
}

export type PatchKind = 'merge' | 'strategic' | 'json'
