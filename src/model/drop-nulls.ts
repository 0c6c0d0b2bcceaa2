// In `data` and `task`, null means absent. Dropping it once, before validation, spares every later place the question.

/** A copy without object members that are null (at any depth), and without a `__proto__` member. Array items stay. Source values are plain JSON. */
export function dropNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(dropNulls)
  if (value === null || typeof value !== 'object') return value
  const result: Record<string, unknown> = {}
  for (const key of Object.keys(value)) {
    const member = (value as Record<string, unknown>)[key]
    if (member !== null && key !== '__proto__') result[key] = dropNulls(member)
  }
  return result
}
