// The configuration as a whole: what the schema says and what the manifests built from it would say. Every command that takes --config reads it here.
import { type ConfigSources, jobSpecOptions, type LoadedConfig, loadConfig, settingsOf } from '../config/index.ts'
import { checkSettings } from '../jobspec/index.ts'

export function loadCheckedConfig(sources: ConfigSources): LoadedConfig {
  const loaded = loadConfig(sources)
  if (!loaded.ok) return loaded
  const problems = checkSettings(jobSpecOptions(loaded.config, settingsOf(loaded.config), 'default', sources.env))
  return problems.length > 0 ? { ok: false, problems } : loaded
}
