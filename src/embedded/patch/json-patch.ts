/** RFC 6902 JSON Patch on plain JSON. Changes a copy, never its input. */
import { clone, isObject, sameJson } from '../json.ts'

export class JsonPatchError extends Error {}

export interface Operation {
  op: string
  path: string
  from?: string
  value?: unknown
}

export function applyJsonPatch(document: unknown, operations: readonly Operation[]): unknown {
  const root = { '': clone(document) } // one level above the document, so that replacing the whole document is no special case
  for (const operation of operations) applyOne(root, operation)
  return root['']
}

function applyOne(root: object, operation: Operation): void {
  const path = pointer(operation.path)
  switch (operation.op) {
    case 'add':
      add(root, path, clone(operation.value))
      return
    case 'remove':
      remove(root, path)
      return
    case 'replace':
      remove(root, path)
      add(root, path, clone(operation.value))
      return
    case 'move':
      add(root, path, remove(root, pointer(operation.from)))
      return
    case 'copy':
      add(root, path, clone(read(root, pointer(operation.from))))
      return
    case 'test':
      if (!sameJson(read(root, path), operation.value)) throw new JsonPatchError(`testing value ${operation.path} failed`)
      return
    default:
      throw new JsonPatchError(`unexpected kind: ${operation.op}`)
  }
}

function pointer(text: string | undefined): string[] {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw new JsonPatchError(`invalid path: ${text}`)
  return [
    '',
    ...text
      .split('/')
      .slice(1)
      .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~')),
  ]
}

function parentOf(root: object, path: readonly string[]): unknown {
  return path.slice(0, -1).reduce<unknown>((here, step) => child(here, step), root)
}

function child(here: unknown, step: string): unknown {
  if (Array.isArray(here) && /^(0|[1-9]\d*)$/.test(step) && Number(step) < here.length) return here[Number(step)]
  if (isObject(here) && Object.hasOwn(here, step)) return here[step]
  throw new JsonPatchError(`missing path at ${step}`)
}

function read(root: object, path: readonly string[]): unknown {
  return child(parentOf(root, path), path.at(-1) ?? '')
}

function add(root: object, path: readonly string[], value: unknown): void {
  const parent = parentOf(root, path)
  const step = path.at(-1) ?? ''
  if (isObject(parent)) Object.defineProperty(parent, step, { value, enumerable: true, configurable: true, writable: true })
  else if (Array.isArray(parent)) parent.splice(listIndex(step, parent.length), 0, value)
  else throw new JsonPatchError(`missing path at ${step}`)
}

function remove(root: object, path: readonly string[]): unknown {
  const parent = parentOf(root, path)
  const step = path.at(-1) ?? ''
  const value = child(parent, step)
  if (Array.isArray(parent)) parent.splice(Number(step), 1)
  else if (isObject(parent)) delete parent[step]
  return value
}

function listIndex(step: string, length: number): number {
  if (step === '-') return length
  if (!/^(0|[1-9]\d*)$/.test(step) || Number(step) > length) throw new JsonPatchError(`invalid index: ${step}`)
  return Number(step)
}
