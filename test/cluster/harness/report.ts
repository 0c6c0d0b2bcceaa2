// What a person sees while the cluster comes up: one line a stage, with its time. No logic.

export interface Report {
  say(line: string): void
  /** Runs one stage of the bring-up and says how long it took. */
  stage<T>(name: string, work: () => Promise<T>): Promise<T>
  /** Says the same line again each 15 s, with the seconds gone, until the returned function is called: CI must see life. */
  heartbeat(line: string): () => void
}

export function createReport(write: (text: string) => void): Report {
  const say = (line: string) => write(`cluster: ${line}\n`)
  return {
    say,
    async stage(name, work) {
      const started = performance.now()
      const result = await work()
      say(`${name} in ${seconds(performance.now() - started)}`)
      return result
    },
    heartbeat(line) {
      const started = performance.now()
      const timer = setInterval(() => say(`${line} … ${seconds(performance.now() - started, 0)}`), 15_000)
      return () => clearInterval(timer)
    },
  }
}

export function seconds(ms: number, digits = 1): string {
  return `${(ms / 1000).toFixed(digits)} s`
}
