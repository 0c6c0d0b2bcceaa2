// Where commands get webhook keys from: --secret, else the environment (a command line shows in the process list and the shell's history).
import { type KeyUse, keyProblem } from '../lib/standard-webhooks.ts'
import type { Arguments, OptionSpec } from './options.ts'

export const SECRET_VARIABLE = 'WEBHOOK_SECRET'

export function secretOption(keys: string): OptionSpec {
  return {
    value: 'KEY',
    multiple: true,
    description: `${keys}; several times for rotation. Or the environment variable ${SECRET_VARIABLE} (space-separated).`,
  }
}

/** The keys given, or what is wrong with them (never the keys themselves). */
export function readSecrets(
  args: Arguments,
  use: KeyUse,
  environment: NodeJS.ProcessEnv,
): { ok: true; secrets: string[] } | { ok: false; problem: string } {
  const given = args.list('secret')
  const secrets = given.length > 0 ? given : (environment[SECRET_VARIABLE] ?? '').split(/\s+/).filter((text) => text !== '')
  const source = given.length > 0 ? '--secret' : SECRET_VARIABLE
  if (secrets.length === 0)
    return {
      ok: false,
      problem: `a key is needed: --secret KEY, or the environment variable ${SECRET_VARIABLE} ("jobhook keys" makes one)`,
    }
  for (const secret of secrets) {
    const problem = keyProblem(secret, use)
    if (problem) return { ok: false, problem: `${source} ${problem}` }
  }
  return { ok: true, secrets }
}
