/** Small helpers for plain JSON values. Nothing here knows Kubernetes. */
import { isDeepStrictEqual } from 'node:util'
import type { JsonObject } from './types.ts'

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function clone<T>(value: T): T {
  return structuredClone(value)
}

export function sameJson(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(a, b)
}

/** The value at a dotted path such as ['spec', 'nodeName'], or undefined where a step is missing. */
export function at(value: unknown, path: readonly string[]): unknown {
  let here = value
  for (const step of path) {
    if (!isObject(here)) return undefined
    here = here[step]
  }
  return here
}
