// `jobhook release`: for leaving for good. Takes jobhook's finalizer off every Job of a worker and says which reports are thereby not sent.
import { loadCheckedConfig } from '../app/checked-config.ts'
import { connectCluster, type KubeConfigSource } from '../cluster/index.ts'
import { settingsOf } from '../config/index.ts'
import { workerLabel } from '../jobspec/index.ts'
import { systemClock } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { ANNOTATIONS, LABELS, MANAGED_BY } from '../model/keys.ts'
import type { JobView } from '../model/kube.ts'
import type { KubeObject } from '../model/kube-api.ts'
import { projectJob } from '../model/project.ts'
import { isClosed, readVerdict } from '../reconcile/index.ts'
import { LEDGER_LABEL } from '../upkeep/ledger.ts'
import { owedInWords, type Released, releaseJobs } from '../upkeep/release.ts'
import { VERSION } from '../version.ts'
import { type Arguments, type CommandSpec, EXIT, runWith, usageError } from './options.ts'
import { printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'release',
  summary: 'For leaving: takes jobhook’s finalizer off every Job of a worker, and says what is not reported.',
  usage: '--config FILE | --worker-id ID [--namespace NAME] [--kubeconfig FILE] [--dry-run] [--json]',
  positionals: { min: 0, max: 0 },
  options: {
    config: { value: 'FILE', description: 'The configuration of the service, which says worker, namespace and kubeconfig.' },
    'worker-id': { value: 'ID', description: 'Instead of a configuration: which worker’s Jobs.' },
    namespace: { value: 'NAME', description: 'Where they are. Default: the kubeconfig’s.' },
    kubeconfig: { value: 'FILE', description: 'How to reach the cluster. Default: as kubectl does, or inside a cluster its own.' },
    'delete-ledger': {
      description: 'Also deletes the ConfigMaps in which finished tasks are remembered: redeliveries of them would run again.',
    },
    'dry-run': { description: 'Only says what would be let go, and what is owed.' },
    json: { description: 'Each Job as {"job", "task_id", "owed", "secret", "problem"}, one a line; the sums go to standard error.' },
  },
  exits: [['1', 'The cluster was not reached, or at least one Job still bears the finalizer.']],
  notes: [
    'Each line names a Job and what will not be reported because of this. Tasks that run are not stopped: they run on, and nobody reports their end.',
    'What remembers finished tasks (the dedupe ledger) stays, for a worker that comes back; it says what is there and how to delete it.',
    'Stop the service first (or its senders): what it accepts afterwards bears the finalizer again. The Jobs of other workers are not touched.',
  ],
}

interface Target {
  workerId: string
  namespace: string | null
  kubeconfig: KubeConfigSource
  ttlSeconds: number | null
}

/** Jobs a page. */
const PAGE = 250
/** While a service still runs it may accept more: looked at again this often before giving up. */
const PASSES = 5

export function release(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const target = readTarget(args)
    if ('problem' in target) return target.usage ? usageError(SPEC, target.problem) : fail(target.problem)
    try {
      return await run(target, { dryRun: args.has('dry-run'), json: args.has('json'), deleteLedger: args.has('delete-ledger') })
    } catch (error) {
      return fail(describeError(error))
    }
  })
}

interface Way {
  dryRun: boolean
  json: boolean
  deleteLedger: boolean
}

async function run(target: Target, { dryRun, json, deleteLedger }: Way): Promise<number> {
  const tell = json ? tellJson : tellText
  const print = (line: string): number => say(json ? process.stderr : process.stdout, line)
  const { cluster, connection } = connectCluster(
    { clock: systemClock, metrics: createMetrics(), userAgent: `jobhook-release/${VERSION}` },
    { kubeconfig: target.kubeconfig, namespace: target.namespace, connections: 16 },
  )
  const labelSelector = `${LABELS.managedBy}=${MANAGED_BY},${LABELS.worker}=${workerLabel(target.workerId)}`

  async function heldJobs(): Promise<JobView[]> {
    const held: JobView[] = []
    let continueToken: string | null = null
    do {
      const page: Awaited<ReturnType<typeof cluster.list>> = await cluster.list('jobs', { labelSelector, limit: PAGE, continueToken })
      if (!page.ok) throw new Error(`the Jobs in ${cluster.namespace} cannot be listed: ${page.error.message}`, { cause: page.error.cause })
      held.push(...page.value.items.map(projectJob).filter((job) => job.held))
      continueToken = page.value.continueToken
    } while (continueToken !== null)
    return held
  }

  async function ledger(): Promise<number> {
    const selector = `${labelSelector},${LEDGER_LABEL}=true`
    const found = await cluster.list('configmaps', { labelSelector: selector, limit: PAGE })
    if (!found.ok) {
      const problem = `whether ConfigMaps of its dedupe ledger are there could not be seen: ${found.error.message}`
      return deleteLedger ? fail(problem) : print(problem)
    }
    const names = found.value.items.flatMap((item) => (item as KubeObject).metadata.name ?? [])
    if (names.length === 0) return EXIT.ok
    const many = `${names.length} ConfigMap${names.length === 1 ? '' : 's'} of its dedupe ledger`
    if (!deleteLedger || dryRun) {
      const how = `kubectl -n ${cluster.namespace} delete configmaps -l ${selector}`
      return print(
        `${many} ${deleteLedger ? 'would be deleted' : `${names.length === 1 ? 'stays' : 'stay'}; to delete: --delete-ledger, or ${how}`}`,
      )
    }
    for (const name of names) {
      const deleted = await cluster.deleteConfigMap(name)
      if (!deleted.ok && deleted.error.status !== 404) return fail(`the ConfigMap ${name} could not be deleted: ${deleted.error.message}`)
    }
    return print(`${many} deleted`)
  }

  try {
    const released = await letGo()
    const forgotten = await ledger()
    return released === EXIT.ok ? forgotten : released
  } finally {
    await connection.close()
  }

  async function letGo(): Promise<number> {
    const first = await heldJobs()
    const where = `worker ${target.workerId} in ${cluster.namespace}`
    if (first.length === 0) return print(`${where}: no Job bears jobhook’s finalizer`)
    if (dryRun) {
      for (const job of first) tell({ job, owed: owedInWords(job, { isClosed, readVerdict }), problem: null })
      return print(`${where}: ${count(first.length)} would be let go; nothing was changed`)
    }
    const released: Released[] = []
    let left = first
    for (let pass = 1; left.length > 0 && pass <= PASSES; pass++) {
      const results = await releaseJobs({ patchJob: cluster.patchJob, isClosed, readVerdict, onReleased: tell }, left, target)
      released.push(...results.filter((result) => result.problem === null))
      left = await heldJobs()
    }
    const owed = released.filter((result) => result.owed !== null).length
    print(`${where}: ${count(released.length)} let go, ${owed} of which owed a report`)
    return left.length === 0
      ? EXIT.ok
      : fail(`${count(left.length)} still ${left.length === 1 ? 'bears' : 'bear'} the finalizer: stop the service, then run this again`)
  }
}

function readTarget(args: Arguments): Target | { problem: string; usage: boolean } {
  const workerId = args.text('worker-id')
  const file = args.text('config')
  if ((workerId === undefined) === (file === undefined)) return { problem: 'give either --config FILE or --worker-id ID', usage: true }
  const path = args.text('kubeconfig')
  const namespace = args.text('namespace') ?? null
  if (workerId !== undefined)
    return { workerId, namespace, kubeconfig: path === undefined ? { kind: 'default' } : { kind: 'file', path }, ttlSeconds: null }
  const loaded = loadCheckedConfig({ file: file ?? null, env: process.env })
  if (!loaded.ok) return { problem: loaded.problems.map(({ key, detail }) => `${key} ${detail}`).join('\n  '), usage: false }
  const settings = settingsOf(loaded.config)
  const configured = path ?? settings.kubernetes.kubeconfig
  return {
    workerId: settings.workerId,
    namespace: namespace ?? settings.namespace,
    kubeconfig: configured === undefined ? { kind: 'default' } : { kind: 'file', path: configured },
    ttlSeconds: settings.retentionSeconds.success,
  }
}

function tellJson({ job, owed, problem }: Released): void {
  const { [ANNOTATIONS.taskId]: taskId = null, [ANNOTATIONS.secret]: secret = null } = job.annotations
  process.stdout.write(`${JSON.stringify({ job: job.name, task_id: taskId, owed, secret, problem })}\n`)
}

function tellText({ job, owed, problem }: Released): void {
  const task = job.annotations[ANNOTATIONS.taskId]
  const secret = job.annotations[ANNOTATIONS.secret]
  const words = [problem === null ? (owed ?? 'nothing was owed') : `could not be let go: ${problem}`]
  if (secret && problem === null && owed !== null) words.push(`its Secret ${secret} stays`)
  const line = printable(`${job.name}${task === undefined ? '' : ` (task ${JSON.stringify(task)})`}: ${words.join('; ')}`)
  process.stdout.write(`${line}\n`)
}

function say(stream: NodeJS.WritableStream, line: string): number {
  stream.write(`${line}\n`)
  return EXIT.ok
}

function fail(problem: string): number {
  process.stderr.write(`jobhook release: ${problem}\n`)
  return EXIT.failed
}

const count = (jobs: number): string => `${jobs} Job${jobs === 1 ? '' : 's'}`
