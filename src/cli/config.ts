// Reads the configuration as `serve` does, for every command that needs one: says what is wrong with it.
import { loadCheckedConfig } from '../app/checked-config.ts'
import type { Config, ConfigProblem, ConfigSources } from '../config/index.ts'

/** null when it is unusable; every problem has been told then: on standard error, or as JSON on standard output. */
export function readConfig(
  sources: ConfigSources,
  /** `refusal`: why this command will not work with it although it is well-formed. */
  { refusal = () => null, json = false }: { refusal?: (config: Config) => string | null; json?: boolean } = {},
): { config: Config; warnings: ConfigProblem[] } | null {
  const loaded = loadCheckedConfig(sources)
  const refused = loaded.ok ? refusal(loaded.config) : null
  if (loaded.ok && refused === null) return loaded
  const problems = loaded.ok ? [{ key: '(configuration)', detail: refused ?? '' }] : loaded.problems
  if (json) process.stdout.write(`${JSON.stringify({ ok: false, problems, warnings: [] }, null, 2)}\n`)
  else if (loaded.ok) process.stderr.write(`jobhook: ${refused}\n`)
  else {
    process.stderr.write(`jobhook: the configuration has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n`)
    for (const problem of problems) process.stderr.write(`  ${problem.key} ${problem.detail}\n`)
    if (sources.file === null && sources.content === undefined)
      process.stderr.write('No file was given (--config FILE): the settings are those of the environment (JOBHOOK_…) alone.\n')
  }
  return null
}
