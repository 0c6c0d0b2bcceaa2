// `jobhook serve`: reads the configuration, starts the service, and ends it gracefully on SIGTERM or SIGINT.
import { renameSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { type AppOptions, createApp } from '../app.ts'
import { type Config, entrances, explainConfig, settingsOf } from '../config/index.ts'
import { systemClock } from '../lib/clock.ts'
import { giveBackMemory } from '../lib/heap.ts'
import { createLog, describeError, type Logger } from '../lib/log.ts'
import { processIdentity } from '../lib/process-identity.ts'
import { startTelemetry, type Telemetry } from '../telemetry/index.ts'
import { VERSION } from '../version.ts'
import { readConfig } from './config.ts'
import { type Arguments, type CommandSpec, EXIT, runWith, usageError } from './options.ts'

const LAST_BREATH_MS = 2_000

export const SPEC: CommandSpec = {
  name: 'serve',
  summary: 'Runs the service: webhooks in, Jobs out, callbacks back.',
  usage: '[--config FILE] [options]',
  positionals: { min: 0, max: 0 },
  options: {
    config: { value: 'FILE', description: 'The configuration, YAML.' },
    check: { description: 'Checks the configuration, prints what it means, and ends.' },
    json: { description: 'With --check: {"ok", "problems", "warnings", "meaning"} as JSON.' },
    listen: { value: 'ADDRESS:PORT', description: 'Instead of the setting listen. Port 0 picks a free one.' },
    'address-file': { value: 'FILE', description: 'Writes the URL the service listens on, once it does.' },
    insecure: { description: 'On a loopback address only: accepts unsigned webhooks and requests without a token.' },
  },
  exits: [
    ['0', 'Ended by SIGTERM or SIGINT after handing over; with --check: the configuration is usable.'],
    ['1', 'The configuration is unusable, or the service could not run.'],
  ],
  notes: [
    'Settings come from the file, then from the environment (JOBHOOK_…), then from the options; the later wins. jobhook config print shows where each came from.',
  ],
}

export function serve(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, checkAndRun)
}

async function checkAndRun(args: Arguments): Promise<number> {
  const [check, json, insecure] = [args.has('check'), args.has('json'), args.has('insecure')]
  if (json && !check) return usageError(SPEC, '--json belongs to --check; the log of the service is JSON as it is')
  const listen = args.text('listen')
  const loaded = readConfig(
    { file: args.text('config') ?? null, env: process.env, ...(listen === undefined ? {} : { flags: { listen } }) },
    { refusal: (config) => refusesToStart(config, insecure), json },
  )
  if (!loaded) return EXIT.failed
  const { config, warnings } = loaded
  if (!check) return run(config, { insecure, addressFile: args.text('address-file') ?? null, warnings })
  const meaning = explainConfig(config)
  if (json) process.stdout.write(`${JSON.stringify({ ok: true, problems: [], warnings, meaning: Object.fromEntries(meaning) }, null, 2)}\n`)
  else {
    process.stdout.write(`${meaning.map(([name, text]) => `${name.padEnd(11)} ${text}`).join('\n')}\n`)
    for (const warning of warnings) process.stdout.write(`warning: ${warning.key} ${warning.detail}\n`)
  }
  return EXIT.ok
}

/** Without any way in there is nothing to serve, and an open door is for one's own machine only. */
function refusesToStart(config: Config, insecure: boolean): string | null {
  const { host } = hostAndPort(config.listen)
  const loopback = host === 'localhost' || host === '::1' || /^127\./.test(host)
  if (insecure && !loopback)
    return `--insecure needs a loopback address: listen is ${config.listen}; set listen: 127.0.0.1:8080, or set webhook.secrets and api.tokens`
  if (!insecure && entrances(config).length === 0) {
    return 'there is no way in: set webhook.secrets (make one with: jobhook keys), api.tokens, poll or socket; to try it out on this machine: --insecure'
  }
  return null
}

async function run(
  config: Config,
  options: { insecure: boolean; addressFile: string | null; warnings: { key: string; detail: string }[] },
): Promise<number> {
  const log = createLog({ level: config.log_level, workerId: config.worker_id })
  for (const warning of options.warnings) log.warn({ key: warning.key }, `configuration: ${warning.key} ${warning.detail}`)
  const stopRequested = nextStopSignal()
  let embedded: { kubeconfig: string; url: string; close(): Promise<void> } | null = null
  let telemetry: Telemetry | null = null
  // Waits of our own do not keep a process alive (lib/clock), and while stopping there may be nothing else left that does.
  const keepAlive = setInterval(() => {}, 60_000)
  try {
    if (config.cluster === 'embedded') embedded = await startEmbedded(config, log)
    const identity = process.env.POD_NAME || processIdentity()
    telemetry = await startTelemetry({ log }, { env: process.env, identity, version: VERSION })
    const app = createApp(
      { clock: systemClock, log, tracer: telemetry.tracer },
      {
        config,
        kubeconfig: kubeconfigOf(config, embedded),
        identity,
        insecure: options.insecure,
        env: process.env,
      },
    )
    const { host, port } = hostAndPort(config.listen)
    await app.server.ready()
    giveBackMemory()
    app.start()
    await app.server.listen({ host, port })
    const url = urlOf(config.tls.cert_file === undefined ? 'http' : 'https', app.server.server.address() as AddressInfo)
    log.info({ url, cluster: config.cluster }, 'listening')
    if (options.addressFile) writeWhole(options.addressFile, `${url}\n`)

    const signal = await stopRequested
    const { drainDelayMs } = settingsOf(config)
    log.info({ signal, drain_delay_ms: drainDelayMs }, 'stopping: not ready any more; requests are still answered')
    app.beginDrain()
    // A second signal cuts the delay short.
    await Promise.race([new Promise((resolve) => setTimeout(resolve, drainDelayMs)), nextStopSignal()])
    await app.stop()
    log.info('stopped')
    return EXIT.ok
  } catch (error) {
    log.error({ err: error }, 'could not run')
    process.stderr.write(`jobhook: ${describeError(error)}\n`)
    return EXIT.failed
  } finally {
    await telemetry?.stop()
    await embedded?.close()
    clearInterval(keepAlive)
    // Nothing is owed any more: a handle that was forgotten somewhere must not hold the process until somebody kills it.
    setTimeout(() => process.exit(), LAST_BREATH_MS).unref()
  }
}

/** Loaded only when asked for: a production service never carries it. */
async function startEmbedded(config: Config, log: Logger): Promise<{ kubeconfig: string; url: string; close(): Promise<void> }> {
  const { startEmbedded: start } = await import('../embedded/index.ts')
  const namespace = config.backend.kubernetes?.namespace
  const { listen, kubeconfig_file: kubeconfigFile, data_dir: dataDir } = config.embedded
  const cluster = await start({
    listen,
    kubeconfigFile,
    dataDir,
    namespaces: namespace === undefined || namespace === 'default' ? [] : [namespace],
    log: (line) => log.debug(line),
  })
  log.warn({ kubeconfig: kubeconfigFile }, 'embedded cluster: tasks run as processes of this machine, without isolation')
  return cluster
}

function kubeconfigOf(config: Config, embedded: { kubeconfig: string } | null): AppOptions['kubeconfig'] {
  if (embedded) return { kind: 'text', text: embedded.kubeconfig }
  const path = config.backend.kubernetes?.kubeconfig
  return path === undefined ? { kind: 'default' } : { kind: 'file', path }
}

function nextStopSignal(): Promise<string> {
  return new Promise((resolve) => {
    const stop = (signal: string): void => {
      for (const name of ['SIGTERM', 'SIGINT']) process.off(name, stop)
      resolve(signal)
    }
    for (const name of ['SIGTERM', 'SIGINT']) process.on(name, stop)
  })
}

function hostAndPort(listen: string): { host: string; port: number } {
  const colon = listen.lastIndexOf(':')
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(listen.slice(colon + 1)) }
}

function urlOf(scheme: 'http' | 'https', address: AddressInfo): string {
  return `${scheme}://${address.family === 'IPv6' ? `[${address.address}]` : address.address}:${address.port}`
}

/** Never half a file: who waits for it reads all of it. */
function writeWhole(path: string, text: string): void {
  const temporary = `${path}.${process.pid}.tmp`
  writeFileSync(temporary, text)
  renameSync(temporary, path)
}
