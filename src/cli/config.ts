// Reads the configuration as `serve` does, for the other commands that need one: says what is wrong with it on standard error.
import { loadCheckedConfig } from '../app/checked-config.ts'
import type { Config, ConfigSources } from '../config/index.ts'

/** null when it is unusable; every problem has been told then. */
export function readConfig(sources: ConfigSources): { config: Config; warnings: { key: string; detail: string }[] } | null {
  const loaded = loadCheckedConfig(sources)
  if (loaded.ok) return loaded
  const { problems } = loaded
  process.stderr.write(`jobhook: the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n`)
  for (const problem of problems) process.stderr.write(`  ${problem.key} ${problem.detail}\n`)
  return null
}
