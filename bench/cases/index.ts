// Every case, in the order they run: those on the same control plane together.
import type { Case } from '../model.ts'
import { burstAssignments } from './burst-assignments.ts'
import { burstVerdicts } from './burst-verdicts.ts'
import { createClient } from './create-client.ts'
import { decisionCpu } from './decision-cpu.ts'
import { idle } from './idle.ts'
import { jobController } from './job-controller.ts'
import { listCache, listCacheSmall } from './list-cache.ts'
import { startMemory } from './start-memory.ts'
import { steadyState } from './steady-state.ts'
import { tenfold } from './tenfold.ts'
import { terminalCallback } from './terminal-callback.ts'
import { watchThroughput } from './watch-throughput.ts'
import { webhookLatency } from './webhook-latency.ts'
import { webhookThroughput } from './webhook-throughput.ts'

export const cases: readonly Case[] = [
  decisionCpu,
  webhookThroughput,
  webhookLatency,
  createClient,
  terminalCallback,
  listCacheSmall,
  listCache,
  steadyState,
  watchThroughput,
  burstAssignments,
  burstVerdicts,
  tenfold,
  startMemory,
  jobController,
  idle,
]
