// Time as a dependency: parts ask a Clock instead of the system, so that tests decide what time it is.

export interface Clock {
  /** Epoch milliseconds. */
  now(): number
  /** Calls `run` once after `delayMs`; the returned function cancels it. A pending call does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void
}

/** setTimeout cannot wait longer than this (2^31 - 1 ms): longer delays are cut into pieces. */
const LONGEST_TIMEOUT_MS = 2_147_483_647

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout
    const arm = (leftMs: number): void => {
      const pieceMs = Math.min(Math.max(leftMs, 0), LONGEST_TIMEOUT_MS)
      timer = setTimeout(() => (leftMs > pieceMs ? arm(leftMs - pieceMs) : run()), pieceMs)
      timer.unref()
    }
    arm(delayMs)
    return () => clearTimeout(timer)
  },
}

/** Milliseconds since this process began: they go on evenly whatever is done to the system's clock. For what must never be fooled by a jump. */
export const elapsedMs = (): number => performance.now()

/** Resolves after `delayMs`, or rejects with the signal's reason when it is aborted first. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    const onAbort = (): void => {
      cancel()
      reject(signal?.reason)
    }
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}
