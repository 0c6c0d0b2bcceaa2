// placeholder
import type { SoakOptions } from './arguments.ts'
export async function soak(_options: SoakOptions, _deps: { say: (text: string) => void; signal: AbortSignal }): Promise<number> {
  throw new Error('not yet')
}
