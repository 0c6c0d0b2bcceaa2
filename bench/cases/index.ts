// Every case, in the order they run: those on the same control plane together.
import type { Case } from '../model.ts'
import { burstAssignments } from './burst-assignments.ts'
import { burstVerdicts } from './burst-verdicts.ts'
import { createClient } from './create-client.ts'
import { decisionCpu } from './decision-cpu.ts'
import { terminalCallback } from './terminal-callback.ts'
import { webhookLatency } from './webhook-latency.ts'
import { webhookThroughput } from './webhook-throughput.ts'

export const cases: readonly Case[] = [
  decisionCpu,
  webhookThroughput,
  webhookLatency,
  createClient,
  terminalCallback,
  burstAssignments,
  burstVerdicts,
]
