// A constant rate for minutes, on the embedded cluster and on a real control plane: memory, handles and queues must stay flat, every task must be
// reported once. Prints a line a minute and the judgement; exit code 1 when something grew, was missed or was told twice.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { SoakOptions } from './arguments.ts'
import type { Counts } from './cases/rig.ts'
import { startChild } from './lib/child.ts'
import { type Jobhook, startJobhook, WEBHOOK_SECRET } from './lib/jobhook.ts'
import { number } from './lib/judge.ts'
import { startPlane } from './lib/plane.ts'
import { handlesOf } from './lib/process-usage.ts'
import { median } from './lib/statistics.ts'
import type { LoadResult } from './load/generator.ts'

interface Minute {
  memoryMb: number
  handles: number
  queueDepth: number
  cpuPercent: number
}

interface SoakResult {
  cluster: 'embedded' | 'real'
  ratePerSecond: number
  minutes: Minute[]
  sent: number
  refused: number
  reported: number
  repeated: number
  p50Ms: number
  p99Ms: number
  problems: string[]
}

/** Finished tasks go soon, so that a long soak does not only measure how much the cache holds. */
const CONFIG = { retention: { success: '20s', failure: '20s' } }
/** From the median of the middle third to that of the last: more than this is growth. The first third fills caches, histories and the heap. */
const ALLOWED_GROWTH = 1.1
const LEAST_MINUTES = 3
/** Connections are opened as they are needed, up to the settings' bounds (64 + 32 out, 64 in, on the embedded cluster both ends of the first), and some files. */
const POOLED_HANDLES = 280

export async function soak(options: SoakOptions, deps: { say: (text: string) => void; signal: AbortSignal }): Promise<number> {
  const results: SoakResult[] = []
  for (const cluster of options.clusters) {
    deps.say(`soak: ${options.ratePerSecond} tasks/s for ${options.minutes} minutes, cluster ${cluster}`)
    results.push(await soakOn(cluster, options, deps))
    // After each cluster: the next takes as long again.
    mkdirSync(options.out, { recursive: true })
    writeFileSync(join(options.out, 'soak.json'), `${JSON.stringify({ measuredAt: new Date().toISOString(), results }, null, 2)}\n`)
  }
  for (const { cluster, sent, reported, repeated, p50Ms, p99Ms, problems } of results) {
    const lag = `answers p50 ${number(p50Ms)} ms, p99 ${number(p99Ms)} ms`
    process.stdout.write(`${cluster}: ${sent} tasks sent, ${reported} reported, ${repeated} repeated; ${lag}\n`)
    process.stdout.write(
      problems.length === 0 ? '  flat, every task reported once\n' : problems.map((problem) => `  PROBLEM: ${problem}\n`).join(''),
    )
  }
  return results.every(({ problems }) => problems.length === 0) ? 0 : 1
}

async function soakOn(
  cluster: 'embedded' | 'real',
  options: SoakOptions,
  deps: { say: (text: string) => void; signal: AbortSignal },
): Promise<SoakResult> {
  const plane = cluster === 'real' ? await startPlane('full', deps) : null
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-soak-'))
  const generator = startChild(join(import.meta.dirname, 'load/generator.ts'))
  const observer = startChild(join(import.meta.dirname, 'load/observer.ts'))
  try {
    const callbackUrl = await observer.call<string>('listen')
    const jobhook = await startJobhook({ folder, kubeconfig: plane?.kubeconfig ?? null, callbackUrl, config: CONFIG })
    try {
      return await measure(cluster, options, deps, jobhook, {
        load: (prefix, count, ratePerSecond) =>
          generator.call<LoadResult>('run', {
            target: { kind: 'webhook', url: `${jobhook.url}/v1/webhook`, secret: WEBHOOK_SECRET },
            prefix,
            count,
            concurrency: 64,
            ratePerSecond,
            warmUp: false,
          }),
        counts: () => observer.call<Counts>('counts'),
      })
    } finally {
      await jobhook.stop()
    }
  } finally {
    await Promise.all([generator.stop(), observer.stop()])
    await plane?.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function measure(
  cluster: 'embedded' | 'real',
  { minutes, ratePerSecond }: SoakOptions,
  { say, signal }: { say: (text: string) => void; signal: AbortSignal },
  jobhook: Jobhook,
  rig: { load(prefix: string, count: number, ratePerSecond: number): Promise<LoadResult>; counts(): Promise<Counts> },
): Promise<SoakResult> {
  const seen: Minute[] = []
  const loads: LoadResult[] = []
  const count = Math.round(ratePerSecond * 60)
  // The first minute is the warm-up: code is compiled, and finished tasks have not begun to go.
  for (let minute = 0; minute <= minutes && !signal.aborted; minute++) {
    const cpu = jobhook.cpuSeconds()
    const from = performance.now()
    const running = rig.load(`soak-${minute}`, count, ratePerSecond)
    const samples: Omit<Minute, 'cpuPercent'>[] = []
    const done = running.then(() => true)
    while (!(await Promise.race([done, delay(2_000).then(() => false)]))) {
      samples.push({
        memoryMb: jobhook.memory().residentMb,
        handles: handlesOf(jobhook.pid),
        queueDepth: await jobhook.metric('jobhook_queue_depth'),
      })
    }
    loads.push(await running)
    const mean = (pick: (sample: Omit<Minute, 'cpuPercent'>) => number): number =>
      samples.reduce((sum, sample) => sum + pick(sample), 0) / Math.max(1, samples.length)
    const each: Minute = {
      memoryMb: mean((sample) => sample.memoryMb),
      handles: mean((sample) => sample.handles),
      queueDepth: mean((sample) => sample.queueDepth),
      cpuPercent: ((jobhook.cpuSeconds() - cpu) / ((performance.now() - from) / 1000)) * 100,
    }
    seen.push(each)
    const { callbacks } = await rig.counts()
    say(
      `minute ${minute}: ${number(each.memoryMb)} MB, ${number(each.handles)} handles, queue ${number(each.queueDepth)}, CPU ${number(each.cpuPercent)} %, ${callbacks} reported`,
    )
  }
  const sent = loads.length * count
  const refused = loads.reduce((sum, load) => sum + load.refused, 0)
  const settled = performance.now() + 60_000
  while ((await rig.counts()).callbacks < sent - refused && performance.now() < settled) await delay(200)
  const { callbacks, repeated } = await rig.counts()
  const worst = (pick: (load: LoadResult) => number): number => Math.max(...loads.map(pick))
  return {
    cluster,
    ratePerSecond,
    minutes: seen,
    sent,
    refused,
    reported: callbacks,
    repeated,
    p50Ms: worst((load) => load.p50Ms),
    p99Ms: worst((load) => load.p99Ms),
    problems: problemsOf(seen, sent - refused, callbacks, repeated, refused),
  }
}

function problemsOf(minutes: readonly Minute[], owed: number, reported: number, repeated: number, refused: number): string[] {
  const problems: string[] = []
  if (reported !== owed) problems.push(`${owed} verdicts were owed, ${reported} came`)
  if (repeated > 0) problems.push(`${repeated} verdicts came more than once`)
  if (refused > 0) problems.push(`${refused} assignments were refused`)
  if (minutes.length <= LEAST_MINUTES)
    return [...problems, `too short to tell whether anything grows: give --minutes ${LEAST_MINUTES} or more`]
  const third = Math.floor(minutes.length / 3)
  const of = (pick: (minute: Minute) => number) => ({
    middle: median(minutes.slice(third, 2 * third).map(pick)),
    last: median(minutes.slice(2 * third).map(pick)),
  })
  const [memory, handles, queue] = [of((each) => each.memoryMb), of((each) => each.handles), of((each) => each.queueDepth)]
  if (memory.last > memory.middle * ALLOWED_GROWTH)
    problems.push(`${number(memory.middle)} MB of memory in the middle third grew to ${number(memory.last)}`)
  if (handles.last > handles.middle * ALLOWED_GROWTH && handles.last > POOLED_HANDLES)
    problems.push(`${number(handles.middle)} handles in the middle third grew to ${number(handles.last)}`)
  if (queue.last > queue.middle + 20) problems.push(`the queue grew from ${number(queue.middle)} to ${number(queue.last)}`)
  return problems
}
