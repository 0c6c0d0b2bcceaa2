// The check `callback`: whether the configured URL takes a signed request. The probe is a heartbeat about no task, so that no receiver can take it
// for a verdict: { "type": "heartbeat", "data": { "worker_id", "sent_by": "jobhook doctor" } }, webhook-id probe_…
import { randomBytes } from 'node:crypto'
import { type Dispatcher, request } from 'undici'
import type { Clock } from '../lib/clock.ts'
import { describeError, errorCode } from '../lib/log.ts'
import { createSigner } from '../lib/standard-webhooks.ts'
import { type CheckResult, failed, ok, oneLine, warning } from './check.ts'
import { transportCause } from './transport.ts'

export interface CallbackTarget {
  /** May carry a secret in its path or query: only its origin is ever shown. */
  url: string
  secrets: readonly string[]
  workerId: string
  timeoutMs: number
  userAgent: string
  /** Opens the way that deliveries go: proxy, authorities, client certificate. */
  open: () => { dispatcher: Dispatcher; close(): Promise<void> }
}

const NAME = 'callback'

/** `target` null: no URL is configured. */
export async function checkCallback(target: CallbackTarget | null, clock: Clock): Promise<CheckResult> {
  if (target === null) {
    return warning(
      NAME,
      'callback.url is not set',
      'nobody is called when a task ends; results are to be had by REST only',
      'set callback.url and callback.secrets',
    )
  }
  const { origin } = new URL(target.url)
  const answer = await send(target, clock)
  return answer.ok ? judgeAnswer(origin, answer.status) : judgeError(origin, answer.code, answer.text)
}

type Answer = { ok: true; status: number } | { ok: false; code: string; text: string }

async function send(target: CallbackTarget, clock: Clock): Promise<Answer> {
  const way = target.open()
  try {
    const id = `probe_${randomBytes(12).toString('hex')}`
    const timestamp = Math.floor(clock.now() / 1000)
    const body = JSON.stringify({ type: 'heartbeat', data: { worker_id: target.workerId, sent_by: 'jobhook doctor' } })
    const response = await request(target.url, {
      method: 'POST',
      dispatcher: way.dispatcher,
      headers: {
        'content-type': 'application/json',
        'user-agent': target.userAgent,
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': createSigner(target.secrets).sign(id, timestamp, body),
      },
      body,
      signal: AbortSignal.timeout(target.timeoutMs),
    })
    return { ok: true, status: response.statusCode }
  } catch (error) {
    const name = error instanceof Error ? error.name : ''
    return { ok: false, code: name === 'TimeoutError' ? name : (errorCode(error) ?? name), text: describeError(error) }
  } finally {
    await way.close()
  }
}

/** What the receiver's status means for the callbacks to come. Callbacks are tried again for a day: none of it keeps tasks from running. */
export function judgeAnswer(origin: string, status: number): CheckResult {
  if (status >= 200 && status < 300) return ok(NAME, `${origin} accepts a signed probe (${status})`)
  const answered = `${origin} answers ${status} to a signed probe`
  if (status === 401 || status === 403) {
    const fix = 'give the receiver the key of callback.secrets (it verifies Standard Webhooks), and see the check clock'
    return failed(NAME, answered, 'it does not accept the signature: no verdict would be acknowledged', fix)
  }
  if (status >= 300 && status < 400) return failed(NAME, answered, 'redirects are not followed', 'set callback.url to the final URL')
  if (status === 405) return failed(NAME, answered, 'it does not take POST at this path', 'correct the path in callback.url')
  if (status === 404) {
    return warning(
      NAME,
      answered,
      'either the path is wrong, or the receiver does not know messages about no task',
      'check the path in callback.url',
    )
  }
  if (status === 410)
    return warning(NAME, answered, 'as an answer to a verdict this means: never send it again', 'have the receiver answer 2xx')
  if (status === 429 || status >= 500) {
    return failed(
      NAME,
      answered,
      'it is there, but has trouble; verdicts are tried again for as long as callback.schedule says',
      'see the receiver’s log',
    )
  }
  const why = 'it is there; a receiver may refuse the type heartbeat, verdicts have other types'
  return warning(NAME, answered, why, 'have the receiver answer 2xx to types it does not know')
}

export function judgeError(origin: string, code: string, text: string): CheckResult {
  const later = 'verdicts would wait and be tried again'
  const answer = (what: string, fix: string): CheckResult => failed(NAME, `${origin} ${what}`, `${oneLine(text)}; ${later}`, fix)
  switch (transportCause(code)) {
    case 'unknown-host':
      return answer(
        'cannot be found',
        'correct the host in callback.url; a name of the cluster’s own (…svc) is only known inside it: run jobhook doctor there',
      )
    case 'refused':
      return answer('refuses connections', 'start the receiver, or correct the port in callback.url')
    case 'no-answer':
      return answer('does not answer in time', 'check network policies, proxies and firewalls between here and there')
    case 'untrusted':
      return answer('shows a certificate that is not trusted', 'set NODE_EXTRA_CA_CERTS to a file with the CA of the receiver')
    case 'wrong-name':
      return answer('shows a certificate for another name', 'use a name the certificate has in callback.url')
    case 'not-in-date':
      return answer('shows a certificate that is out of date', 'renew it, or set this machine’s clock right')
    case 'not-tls':
      return answer('does not speak TLS', 'correct scheme and port in callback.url')
    default:
      return answer('cannot be reached', 'check callback.url')
  }
}
