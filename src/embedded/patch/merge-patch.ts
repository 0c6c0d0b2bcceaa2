/** RFC 7386 JSON Merge Patch: null removes, objects merge, everything else replaces. Never changes its input. */
import { isObject } from '../json.ts'
import type { JsonObject } from '../types.ts'

export function applyMergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch
  const result: JsonObject = isObject(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name]
    else
      Object.defineProperty(result, name, {
        value: applyMergePatch(result[name], value),
        enumerable: true,
        configurable: true,
        writable: true,
      })
  }
  return result
}
