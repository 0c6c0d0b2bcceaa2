// Turns Ctrl-C and SIGTERM into a promise, so that a command can end what it started. Not for: `serve`, which drains.

export interface StopSignal {
  /** Resolves at the first SIGINT or SIGTERM, with the signal's name. */
  requested: Promise<NodeJS.Signals>
  /** Aborted at the same moment. */
  signal: AbortSignal
  /** Gives the signals back to their default: from then on Ctrl-C ends the process at once. */
  release(): void
}

export function stopSignal(): StopSignal {
  const controller = new AbortController()
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals>()
  const onSignal = (name: NodeJS.Signals): void => {
    resolve(name)
    controller.abort(new Error(`stopped by ${name}`))
  }
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
  return {
    requested: promise,
    signal: controller.signal,
    release() {
      process.off('SIGINT', onSignal)
      process.off('SIGTERM', onSignal)
    },
  }
}
