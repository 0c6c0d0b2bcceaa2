// `jobhook doctor`: looks at cluster, rights, namespace, secrets, callback URL and long poll, and says for each what is wrong and what puts it right.
import { leftovers, longPoll } from '../app/doctor-extras.ts'
import { preflightOptions } from '../app/preflight.ts'
import { connectCluster, type KubeConfigSource } from '../cluster/index.ts'
import { type Config, jobSpecOptions, settingsOf } from '../config/index.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { describeError } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { type CheckResult, kubeconfigProblem, runAll, runWithoutCluster } from '../preflight/index.ts'
import { VERSION } from '../version.ts'
import { type Paint, painterFor } from './colour.ts'
import { readConfig } from './config.ts'
import { type Arguments, type CommandSpec, EXIT, runWith } from './options.ts'
import { stopSignal } from './stop-signal.ts'
import { printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'doctor',
  summary: 'Checks cluster, rights, namespace, secrets, callback URL and long poll, and says what puts right what is wrong.',
  usage: '[--config FILE] [--json]',
  positionals: { min: 0, max: 0 },
  options: {
    config: { value: 'FILE', description: 'The configuration of the service, YAML. Absent: the environment (JOBHOOK_…) alone.' },
    json: { description: 'Prints {"ok", "checks": [{"name", "status", "what", "why", "fix", "blocking"}]}.' },
  },
  notes: [
    'It acts with the credentials it finds, as the service would: run it where the service runs, or with the service’s kubeconfig.',
    'Nothing is left in the cluster: Job, Secret and Pod are dry runs; only with backend.kubernetes.preflight_image is a small Job run, and removed.\nThe callback URL gets one signed heartbeat; the control plane of the long poll one request for no message.',
  ],
  exits: [
    ['0', 'Nothing failed; there may be warnings.'],
    ['1', 'Something failed, or the configuration is unusable.'],
  ],
}

/** The service's clock lets the process end while it waits; a command must wait on. */
const clock: Clock = {
  now: systemClock.now,
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs)
    return () => clearTimeout(timer)
  },
}

const USER_AGENT = `jobhook-doctor/${VERSION}`

export function doctor(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, examine)
}

async function examine(args: Arguments): Promise<number> {
  const loaded = readConfig({ file: args.text('config') ?? null, env: process.env })
  if (!loaded) return EXIT.failed
  const results = await examineWith(loaded.config)
  const worst = results.some(({ status }) => status === 'failed')
  const text = args.has('json')
    ? `${JSON.stringify({ ok: !worst, checks: results }, null, 2)}\n`
    : doctorText(results, painterFor(process.stdout))
  process.stdout.write(text)
  return worst ? EXIT.failed : EXIT.ok
}

async function examineWith(config: Config): Promise<CheckResult[]> {
  // A fresh one of its own: what a running service's holds is not looked at.
  const embedded = config.cluster === 'embedded' ? await startEmbedded(config) : null
  const settings = settingsOf(config)
  const about = { config, settings, clock, userAgent: USER_AGENT, env: process.env }
  // Ctrl-C while the preflight Job runs must not leave it there.
  const stop = stopSignal()
  try {
    let connected: ReturnType<typeof connectCluster>
    try {
      connected = connectCluster(
        { clock, metrics: createMetrics(), userAgent: USER_AGENT },
        { kubeconfig: kubeconfigOf(config, embedded), namespace: settings.namespace, connections: 16 },
      )
    } catch (error) {
      const spec = jobSpecOptions(config, settings, settings.namespace ?? 'default', process.env)
      const options = preflightOptions({ config, settings, spec, userAgent: USER_AGENT, server: 'https://unknown', env: process.env })
      return [...(await runWithoutCluster(clock, kubeconfigProblem(describeError(error)), options)), ...(await longPoll(about))]
    }
    const { cluster, connection } = connected
    try {
      const spec = jobSpecOptions(config, settings, cluster.namespace, process.env)
      const options = preflightOptions({ config, settings, spec, userAgent: USER_AGENT, server: connection.origin, env: process.env })
      const [results, poll] = await Promise.all([runAll({ api: cluster, clock }, options, stop.signal), longPoll(about)])
      // What has been left behind cannot be asked of a cluster that does not answer.
      const silent = results.some(({ name, status }) => status === 'failed' && (name === 'api' || name === 'namespace'))
      return [...results, ...(silent ? [] : await leftovers(cluster, about)), ...poll]
    } finally {
      await connection.close()
    }
  } finally {
    stop.release()
    await embedded?.close()
  }
}

async function startEmbedded(config: Config): Promise<{ kubeconfig: string; close(): Promise<void> }> {
  const { startEmbedded: start } = await import('../embedded/index.ts')
  const namespace = config.backend.kubernetes?.namespace
  return start({ namespaces: namespace === undefined ? [] : [namespace] })
}

function kubeconfigOf(config: Config, embedded: { kubeconfig: string } | null): KubeConfigSource {
  if (embedded) return { kind: 'text', text: embedded.kubeconfig }
  const path = config.backend.kubernetes?.kubeconfig
  return path === undefined ? { kind: 'default' } : { kind: 'file', path }
}

const STYLES = { ok: 'green', warning: 'yellow', failed: 'red' } as const

/** One entry a check: status, name, what and why; the remedy on a line of its own, to be copied. */
export function doctorText(results: readonly CheckResult[], paint: Paint): string {
  const width = Math.max(...results.map(({ name }) => name.length))
  const lines = results.map(({ name, status, what, why, fix, blocking }) => {
    const word = paint(STYLES[status], status.padEnd(7))
    const text = `${word}  ${name.padEnd(width)}  ${printable(why === null ? what : `${what}: ${why}`)}${blocking ? ' [every task fails]' : ''}`
    return fix === null ? text : `${text}\n${' '.repeat(width + 11)}fix: ${printable(fix)}`
  })
  const count = (wanted: CheckResult['status']): number => results.filter(({ status }) => status === wanted).length
  return `${lines.join('\n')}\n\n${count('ok')} ok, ${count('warning')} warning${count('warning') === 1 ? '' : 's'}, ${count('failed')} failed\n`
}
