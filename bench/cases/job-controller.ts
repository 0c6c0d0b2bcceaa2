// Where the limit is the control plane: Pod finished → the Job's own condition, by the Job controller's settings. No goal: it is not ours.
import { percentile, spread } from '../lib/statistics.ts'
import type { Case, Context, Figure } from '../model.ts'
import { callbacksByJob, lags, startRig } from './rig.ts'

const COUNT = 100

export const jobController: Case = {
  name: 'job-controller',
  title: `Burst of ${COUNT}: Pod finished → Job’s condition, by the controller manager’s flags`,
  comparedWith: 'jobhook’s callback in the same burst',
  quick: false,
  async run(context) {
    return [
      ...(await measure(context, 'stock', 'Kubernetes’ defaults (5 syncs, 20 requests/s)', 1)),
      ...(await measure(context, 'full', '--concurrent-job-syncs=50 --kube-api-qps=1000', context.runs)),
    ]
  },
}

async function measure(context: Context, kind: 'stock' | 'full', flags: string, runs: number): Promise<Figure[]> {
  const plane = await context.plane(kind)
  const rig = await startRig(plane)
  const seen = { condition: { p50: [] as number[], p99: [] as number[] }, callback: { p50: [] as number[], p99: [] as number[] } }
  try {
    for (let run = 0; run < runs; run++) {
      await rig.load({ prefix: `j${run}`, count: COUNT, concurrency: 32, warmUp: false })
      await rig.until('every condition', ({ callbacks, complete }) => callbacks >= COUNT && complete >= COUNT, 300_000)
      const all = await rig.seen()
      const waits = { condition: lags(all.podEnded, all.jobComplete), callback: lags(all.podEnded, callbacksByJob(all)) }
      for (const which of ['condition', 'callback'] as const) {
        seen[which].p50.push(percentile(waits[which], 50))
        seen[which].p99.push(percentile(waits[which], 99))
      }
      await rig.reset()
    }
  } finally {
    await rig.stop()
  }
  return (['p50', 'p99'] as const).map((which) => ({
    name: `${flags}: ${which}`,
    unit: 'ms',
    jobhook: spread(seen.callback[which]),
    reference: { name: 'the Job’s condition', spread: spread(seen.condition[which]) },
    goal: null,
  }))
}
