// `jobhook try`: one signed webhook to a running service and, unless --heartbeat, the whole way: its task runs and its signed callback comes back
// here. `helm test` runs it. Not for: load, or many tasks.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { request } from 'undici'
import { describeError } from '../lib/log.ts'
import { createSigner, createVerifier, keyProblem } from '../lib/standard-webhooks.ts'
import { type Arguments, type CommandSpec, EXIT, readDurationMs, runWith, usageError } from './options.ts'
import { createReceiver } from './receiver.ts'
import { printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'try',
  summary: 'Tries a running service: one signed webhook, one task, its signed callback.',
  usage: '--url URL --secret-file FILE (--heartbeat | --callback-url URL --callback-secret-file FILE [--image IMAGE]) [options]',
  positionals: { min: 0, max: 0 },
  options: {
    url: { value: 'URL', description: 'The service’s webhook, for example http://jobhook.agents.svc/v1/webhook.' },
    'secret-file': { value: 'FILE', description: 'Key that the service verifies webhooks with: whsec_… or whsk_….' },
    heartbeat: { description: 'Only a signed heartbeat: proves the address and the key; no task runs.' },
    'callback-url': { value: 'URL', description: 'How the service reaches this command; its origin must be in callback.allow_origins.' },
    'callback-secret-file': { value: 'FILE', description: 'Key that callbacks are signed with: whsec_… or whpk_….' },
    listen: { value: 'ADDRESS:PORT', description: 'Where callbacks are awaited. Default 127.0.0.1:8081.' },
    image: { value: 'IMAGE', description: 'The task’s image. Default: the service’s.' },
    command: { value: 'WORD', multiple: true, description: 'The task’s command, one word each. Default: true' },
    timeout: { value: 'TIME', description: 'How long the whole may take. Default 120s.' },
    json: { description: 'Prints {"ok", "steps", "problem"} at the end.' },
  },
  exits: [
    ['0', 'The task completed and its callback was verified; with --heartbeat: the service took it.'],
    ['1', 'Anything else; it says what.'],
  ],
}

interface Trial {
  url: string
  secret: string
  timeoutMs: number
  /** null: a heartbeat only. */
  task: { callbackUrl: string; callbackSecret: string; host: string; port: number; image: string | null; command: string[] } | null
}

export function tryOut(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const trial = readTrial(args)
    if ('problem' in trial) return usageError(SPEC, trial.problem)
    const json = args.has('json')
    const steps: string[] = []
    const say = (line: string): void => {
      steps.push(line)
      if (!json) process.stdout.write(`${printable(line)}\n`)
    }
    const problem = await run(trial, say).then(
      () => null,
      (error: unknown) => describeError(error),
    )
    if (json) process.stdout.write(`${JSON.stringify({ ok: problem === null, steps, problem })}\n`)
    else if (problem !== null) process.stderr.write(`jobhook try: ${printable(problem)}\n`)
    return problem === null ? EXIT.ok : EXIT.failed
  })
}

/** Throws what went wrong. */
async function run(trial: Trial, say: (line: string) => void): Promise<void> {
  const signal = AbortSignal.timeout(trial.timeoutMs)
  if (!trial.task) {
    await send(trial, { type: 'heartbeat' }, 204, signal)
    return say('the service took a signed heartbeat')
  }
  const { callbackUrl, callbackSecret, host, port, image, command } = trial.task
  const taskId = `try-${randomUUID()}`
  const verdict = Promise.withResolvers<{ type: string; data: Record<string, unknown> }>()
  const receiver = createReceiver({
    verifier: createVerifier([callbackSecret]),
    nowMs: Date.now,
    onCallback(callback) {
      if (callback.data.task_id !== taskId) return { status: 410 }
      say(`callback ${callback.type}, its signature verified`)
      if (callback.type !== 'task_started') verdict.resolve(callback)
      return { status: 200 }
    },
    onRefused: ({ status, detail }) => say(`a callback was refused with ${status}: ${detail}`),
  })
  const server = createServer((incoming, response) => void receiver(incoming, response))
  server.listen(port, host)
  await once(server, 'listening')
  try {
    say(`callbacks are awaited on ${host}:${(server.address() as AddressInfo).port}`)
    const data = {
      task_id: taskId,
      command,
      callback_url: callbackUrl,
      timeout_seconds: 120,
      ...(image === null ? {} : { docker_image: image }),
    }
    await send(trial, { type: 'task_assignment', data }, 202, signal)
    say(`the service took task ${taskId}`)
    const expired = new Promise<never>((_resolve, reject) =>
      signal.addEventListener(
        'abort',
        () => reject(new Error(`no verdict came within ${trial.timeoutMs / 1000} s: look at the service’s log`)),
        {
          once: true,
        },
      ),
    )
    const { type, data: result } = await Promise.race([verdict.promise, expired])
    if (type === 'task_completed' && result.task_state === undefined) return say('the task completed, and its signed callback came')
    throw new Error(`the task did not complete: ${String(result.failure_reason ?? type)}: ${String(result.message ?? '')}`)
  } finally {
    // The acknowledgement of the last callback must leave first.
    server.close()
    server.closeIdleConnections()
    await Promise.race([once(server, 'close'), delay(1_000, undefined, { ref: false })])
    server.closeAllConnections()
  }
}

/** A service that is starting or at capacity gets another try until the time is up. */
async function send(trial: Trial, message: unknown, wanted: number, signal: AbortSignal): Promise<void> {
  const body = Buffer.from(JSON.stringify(message))
  const id = `msg_${randomUUID().replaceAll('-', '')}`
  const signer = createSigner([trial.secret])
  for (;;) {
    const seconds = Math.floor(Date.now() / 1000)
    const headers = {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(seconds),
      'webhook-signature': signer.sign(id, seconds, body),
    }
    let problem: string
    try {
      const response = await request(trial.url, { method: 'POST', headers, body, signal })
      const text = await response.body.text()
      if (response.statusCode === wanted) return
      problem = `${trial.url} answered ${response.statusCode}: ${text.slice(0, 500)}`
      if (response.statusCode !== 429 && response.statusCode !== 503) throw new Refused(problem)
    } catch (error) {
      if (error instanceof Refused) throw error
      problem = `${trial.url}: ${describeError(error)}`
    }
    if (signal.aborted) throw new Error(problem)
    await delay(1_000, undefined, { signal }).catch(() => {
      throw new Error(problem)
    })
  }
}

/** An answer that a repetition would not change. */
class Refused extends Error {}

function readTrial(args: Arguments): Trial | { problem: string } {
  const url = args.text('url')
  if (url === undefined || !/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    return { problem: '--url must be a URL that begins with http:// or https://' }
  const secret = readKey(args, 'secret-file', 'sign')
  if (typeof secret !== 'string') return secret
  const timeoutMs = readDurationMs(args.text('timeout') ?? '120s')
  if (timeoutMs === null || timeoutMs === 0) return { problem: '--timeout must be a time such as 90s or 3m' }
  if (args.has('heartbeat')) return { url, secret, timeoutMs, task: null }
  const callbackUrl = args.text('callback-url')
  if (callbackUrl === undefined || !URL.canParse(callbackUrl)) return { problem: '--callback-url URL is needed, or --heartbeat' }
  const callbackSecret = readKey(args, 'callback-secret-file', 'verify')
  if (typeof callbackSecret !== 'string') return callbackSecret
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(args.text('listen') ?? '127.0.0.1:8081') ?? []
  if (host === undefined || port === undefined) return { problem: '--listen must be ADDRESS:PORT' }
  const command = args.list('command')
  return {
    url,
    secret,
    timeoutMs,
    task: {
      callbackUrl,
      callbackSecret,
      host: host.replace(/^\[|\]$/g, ''),
      port: Number(port),
      image: args.text('image') ?? null,
      command: command.length > 0 ? command : ['true'],
    },
  }
}

function readKey(args: Arguments, option: string, use: 'sign' | 'verify'): string | { problem: string } {
  const file = args.text(option)
  if (file === undefined) return { problem: `--${option} FILE is needed` }
  try {
    const key = readFileSync(file, 'utf8').trim()
    const problem = keyProblem(key, use)
    return problem ? { problem: `--${option}: the key ${problem}` } : key
  } catch (error) {
    return { problem: `--${option}: ${describeError(error)}` }
  }
}
