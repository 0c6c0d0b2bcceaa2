// The check `clock`: this machine's clock against the API server's. Pure.
import { type CheckResult, failed, ok, warning } from './check.ts'

const WARN_SECONDS = 5
const FAIL_SECONDS = 60
/** Webhook signatures are good for five minutes either way. */
const FIX = 'set the clock by NTP: timedatectl set-ntp true'

/** `serverMs` as the Date header says it: whole seconds, cut off. The request was sent and answered at the other two. */
export function checkClock(serverMs: number | null, sentMs: number, answeredMs: number): CheckResult {
  const name = 'clock'
  if (serverMs === null) return ok(name, 'the API tells no time')
  // The server's time lay in [serverMs, serverMs + 1 s) at some moment between the two: what that explains is no skew.
  const behindMs = serverMs - answeredMs
  const aheadMs = sentMs - (serverMs + 1000)
  const skewSeconds = Math.max(behindMs, aheadMs, 0) / 1000
  if (skewSeconds <= WARN_SECONDS) return ok(name, 'in step with the API server')
  const what = `this machine’s clock is ${Math.round(skewSeconds)} s ${behindMs > 0 ? 'behind' : 'ahead of'} the API server’s`
  const why = 'webhooks are refused and callbacks are not accepted when clocks are too far apart (5 minutes); deadlines are judged wrongly'
  return skewSeconds > FAIL_SECONDS ? failed(name, what, why, FIX) : warning(name, what, why, FIX)
}
