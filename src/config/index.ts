// The configuration's public face.

export { formatDuration, parseDuration } from './duration.ts'
export { type EffectiveSetting, effectiveSettings } from './effective.ts'
export { explainConfig } from './explain.ts'
export { type ConfigSources, type LoadedConfig, loadConfig } from './load.ts'
export { entrances } from './meaning.ts'
export type { ConfigProblem } from './problem.ts'
export { type Config, ConfigSchema, SCOPES } from './schema.ts'
export { jobSpecOptions, type Settings, settingsOf } from './settings.ts'
