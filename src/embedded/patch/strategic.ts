/**
 * Strategic merge patch as kubectl and controllers send it: lists merge by key or as sets where the field tables say so, and directives
 * ($patch, $retainKeys, $setElementOrder/…, $deleteFromPrimitiveList/…) steer it. Never changes its input.
 */
import { isObject, sameJson } from '../json.ts'
import { type FieldType, fieldsOf } from '../schema/schema.ts'
import type { JsonObject } from '../types.ts'

export class StrategicPatchError extends Error {}

const DELETE_FROM = '$deleteFromPrimitiveList/'
const SET_ORDER = '$setElementOrder/'

export function applyStrategicPatch(typeName: string, target: JsonObject, patch: JsonObject): JsonObject {
  if (patch.$patch === 'replace') return without(patch, ['$patch'])
  if (patch.$patch === 'delete') return {}
  const fields = fieldsOf(typeName)
  const result = retained(target, patch.$retainKeys)
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith('$')) continue
    if (value === null) {
      delete result[name]
      continue
    }
    result[name] = merged(fields?.get(name), name, result[name], value)
  }
  for (const [name, value] of Object.entries(patch)) {
    if (name.startsWith(DELETE_FROM)) deleteFromList(result, name.slice(DELETE_FROM.length), value)
  }
  for (const [name, field] of fields ?? []) {
    const list = result[name]
    if (!Array.isArray(list) || (field.mergeKey === null && !field.set)) continue
    // A patched list brings its own order along, unless a directive gives another.
    const order = patch[`${SET_ORDER}${name}`] ?? patch[name]
    const before = target[name]
    if (Array.isArray(order) && Array.isArray(before)) result[name] = reorder(list, before, order, field.mergeKey)
  }
  return result
}

function merged(field: FieldType | undefined, name: string, current: unknown, value: unknown): unknown {
  if (Array.isArray(value)) {
    if (!Array.isArray(current)) return withoutDirectives(value)
    const list = current
    if (field?.mergeKey) return mergeByKey(field.of, field.mergeKey, list, value)
    if (field?.set) return [...list, ...value.filter((item) => !list.some((known) => sameJson(known, item)))]
    return value
  }
  if (isObject(value)) {
    const into = isObject(current) ? current : {}
    if (field === undefined || field.shape !== 'one') return applyStrategicPatch('', into, value)
    return applyStrategicPatch(field.of, into, value)
  }
  if (field?.mergeKey) throw new StrategicPatchError(`invalid patch: ${name} is a list`)
  return value
}

function mergeByKey(typeName: string, mergeKey: string, list: readonly unknown[], patch: readonly unknown[]): unknown[] {
  if (patch.some((item) => isObject(item) && item.$patch === 'replace' && item[mergeKey] === undefined)) {
    return patch.filter((item) => !(isObject(item) && item.$patch === 'replace'))
  }
  let result = [...list]
  for (const item of patch) {
    if (!isObject(item)) throw new StrategicPatchError(`invalid patch: a list item is no object`)
    const key = item[mergeKey]
    if (key === undefined) throw new StrategicPatchError(`map: ${goMap(item)} does not contain declared merge key: ${mergeKey}`)
    const index = result.findIndex((known) => isObject(known) && known[mergeKey] === key)
    const known = result[index]
    if (item.$patch === 'delete') result = result.filter((_, at) => at !== index)
    else if (index < 0 || !isObject(known)) result.push(applyStrategicPatch(typeName, {}, item))
    else result[index] = applyStrategicPatch(typeName, known, item)
  }
  return result
}

function deleteFromList(result: JsonObject, name: string, values: unknown): void {
  const list = result[name]
  if (!Array.isArray(list) || !Array.isArray(values)) return
  result[name] = list.filter((item) => !values.some((gone) => sameJson(gone, item)))
}

/** Items the order names come in that order; the others keep the place they had before the patch, between them. New items count as first, as in the real API. */
function reorder(list: readonly unknown[], before: readonly unknown[], order: readonly unknown[], mergeKey: string | null): unknown[] {
  const keyOf = (item: unknown): unknown => (mergeKey !== null && isObject(item) ? item[mergeKey] : item)
  const position = (among: readonly unknown[], item: unknown): number => among.findIndex((known) => sameJson(keyOf(known), keyOf(item)))
  const named = list.filter((item) => position(order, item) >= 0).sort((a, b) => position(order, a) - position(order, b))
  const others = list.filter((item) => position(order, item) < 0)
  const result: unknown[] = []
  while (named.length > 0 || others.length > 0) {
    const otherFirst = named.length === 0 || (others.length > 0 && position(before, others[0]) < position(before, named[0]))
    result.push(otherFirst ? others.shift() : named.shift())
  }
  return result
}

function retained(target: JsonObject, keys: unknown): JsonObject {
  if (!Array.isArray(keys)) return { ...target }
  return Object.fromEntries(Object.entries(target).filter(([name]) => keys.includes(name)))
}

function without(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** A list that was not there is taken as it is; directives in it have nothing to act on. */
function withoutDirectives(list: readonly unknown[]): unknown[] {
  return list
    .filter((item) => !(isObject(item) && (item.$patch === 'delete' || item.$patch === 'replace')))
    .map((item) => (isObject(item) ? applyStrategicPatch('', {}, item) : item))
}

function goMap(item: JsonObject): string {
  return `map[${Object.entries(item)
    .map(([name, value]) => `${name}:${String(value)}`)
    .join(' ')}]`
}
