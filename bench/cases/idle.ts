// Nothing to do, with 10,000 finished Jobs and their Pods in the cache: the CPU it takes and whether memory grows, minute by minute. One run.
import { setTimeout as delay } from 'node:timers/promises'
import { fillTasks } from '../lib/fill.ts'
import { startJobhook } from '../lib/jobhook.ts'
import { quoted, spread } from '../lib/statistics.ts'
import type { Case } from '../model.ts'

const MINUTES = 10

export const idle: Case = {
  name: 'idle',
  title: `Idle with 10,000 finished Jobs, over ${MINUTES} minutes`,
  comparedWith: 'its own first minute',
  quick: false,
  async run(context) {
    const plane = await context.plane('bare')
    await fillTasks(plane, 'finished', 0, 10_000)
    const jobhook = await startJobhook({ folder: plane.folder, kubeconfig: plane.kubeconfig, callbackUrl: 'http://127.0.0.1:9/' })
    const cpu: number[] = []
    const memory: number[] = []
    try {
      await delay(30_000, undefined, { signal: context.signal })
      for (let minute = 0; minute < MINUTES; minute++) {
        const before = jobhook.cpuSeconds()
        let sum = 0
        for (let second = 0; second < 60; second++) {
          await delay(1_000, undefined, { signal: context.signal })
          sum += jobhook.memory().residentMb
        }
        cpu.push(((jobhook.cpuSeconds() - before) / 60) * 100)
        memory.push(sum / 60)
      }
    } finally {
      await jobhook.stop()
    }
    context.say(`memory by minute, MB: ${memory.map((value) => value.toFixed(1)).join(' ')}`)
    return [
      {
        name: 'CPU, by minute',
        unit: '%',
        jobhook: spread(cpu),
        reference: null,
        goal: { of: 'value', bound: 'at most', limit: 1 },
        note: 'One run: the least and the most are among its minutes',
      },
      {
        name: 'memory in the last minute',
        unit: 'MB',
        jobhook: quoted(memory.at(-1) ?? Number.NaN),
        reference: { name: 'the first minute', spread: quoted(memory[0] ?? Number.NaN) },
        goal: { of: 'ratio', bound: 'at most', limit: 1.05 },
      },
    ]
  },
}
