// Turns SIGINT, SIGTERM and SIGHUP into abort signals: the first asks everything to stop, the second to stop without waiting.

export interface Interrupt {
  first: AbortSignal
  second: AbortSignal
  /** 128 + signal number once interrupted. */
  exitCode(): number | null
}

const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

export function watchSignals(onFirst: (signal: string) => void): Interrupt {
  const [first, second] = [new AbortController(), new AbortController()]
  let code: number | null = null
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      if (first.signal.aborted) return second.abort()
      code = exitCode
      onFirst(signal)
      first.abort(new Error(`interrupted by ${signal}`))
    })
  }
  return { first: first.signal, second: second.signal, exitCode: () => code }
}
