// Loads the configurations of examples/configs as the service does.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type ConfigProblem, jobSpecOptions, loadConfig, settingsOf } from '../../src/config/index.ts'
import type { JobSpecOptions } from '../../src/jobspec/index.ts'

export const EXAMPLES = join(import.meta.dirname, '../../examples/configs')

const SECRET = `whsec_${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`

export function exampleOptions(file: string): { options: JobSpecOptions; warnings: ConfigProblem[] } {
  const loaded = loadConfig({ file: join(EXAMPLES, file), env: { WEBHOOK_SECRET: SECRET, CALLBACK_SECRET: SECRET } })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const settings = settingsOf(loaded.config)
  assert.ok(settings.namespace)
  return { options: jobSpecOptions(loaded.config, settings, settings.namespace, {}), warnings: loaded.warnings }
}
