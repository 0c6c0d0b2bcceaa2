// The stage jobspec: an assignment in, a Job and a Secret out. Pure: no clock, no network, no randomness (the nonce is handed in).
export { backstopSeconds, buildTask, KUEUE_LABEL } from './build.ts'
export { differingFields, digests } from './digests.ts'
export { type TaskNames, taskLabels, taskNames, workerLabel } from './names.ts'
export type {
  BuildContext,
  BuildResult,
  Built,
  EnvOrigin,
  EnvSource,
  Job,
  JobSpecOptions,
  Profile,
  Secret,
  SettingsProblem,
} from './options.ts'
export { render } from './render.ts'
export { checkSettings } from './settings.ts'
