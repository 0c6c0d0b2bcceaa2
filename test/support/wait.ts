// Waiting for a condition with a deadline, instead of sleeping and hoping.

/** Polls until `look` gives something truthy; throws with `what` and the last error when the deadline passes. */
export async function until<T>(
  what: string,
  look: () => Promise<T> | T,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadlineMs = Date.now() + (options.timeoutMs ?? 30_000)
  let lastError: unknown
  for (;;) {
    try {
      const found = await look()
      if (found !== undefined && found !== null && found !== false) return found as NonNullable<T>
    } catch (error) {
      lastError = error
    }
    if (Date.now() > deadlineMs) throw new Error(`gave up waiting: ${what}`, { cause: lastError })
    await new Promise((resolve) => setTimeout(resolve, options.everyMs ?? 20))
  }
}
