// The stage preflight: whether tasks can run at all, asked before one does. Told by `serve` (readyz, log) and `jobhook doctor`.
export type { PreflightApi, Sample, Samples } from './api.ts'
export type { CheckResult, CheckStatus } from './check.ts'
export { kubeconfigProblem } from './connection.ts'
export { checkLeftovers, checkPoll } from './leftovers.ts'
export { createPreflightLoop, type PreflightLoop } from './loop.ts'
export { type Need, PERMISSIONS, type Permission, type PolicyRule, roleRules } from './permissions.ts'
export { type PreflightDeps, type PreflightOptions, runAll, runBlocking, runJob, runWithoutCluster } from './run.ts'
