// All cases: read by manifests.test.ts, and created for real by dry-run.cluster.test.ts.
import type { Case } from './case.ts'
import { COMMAND } from './command.ts'
import { OZ_PROFILE } from './oz.ts'
import { POD_TEMPLATE } from './pod-template.ts'
import { STEPS } from './steps.ts'

export type { Case } from './case.ts'
export const CASES: Case[] = [...COMMAND, ...STEPS, ...POD_TEMPLATE, ...OZ_PROFILE]
