// Waits for a condition with a deadline, giving up at once when a component has died or the run was interrupted.
import { setTimeout as delay } from 'node:timers/promises'
import { ComponentEnded, type Processes } from './processes.ts'

/**
 * Calls `check` each 50 ms until it returns something other than null.
 * @throws Error that names what was awaited and the last thing `check` threw
 */
export async function waitFor<T>(
  what: string,
  check: () => Promise<T | null> | T | null,
  limits: { timeoutMs: number; signal: AbortSignal; processes?: Processes },
): Promise<T> {
  const deadline = performance.now() + limits.timeoutMs
  let lastError: unknown
  while (performance.now() < deadline) {
    limits.signal.throwIfAborted()
    const ended = limits.processes?.firstEnded() ?? null
    if (ended !== null) throw new ComponentEnded(ended)
    try {
      const result = await check()
      if (result !== null) return result
    } catch (error) {
      lastError = error
    }
    await delay(50, undefined, { signal: limits.signal })
  }
  const detail = lastError instanceof Error ? `: ${lastError.message}` : ''
  throw new Error(`${what} did not happen within ${limits.timeoutMs / 1000} s${detail}`, { cause: lastError })
}
