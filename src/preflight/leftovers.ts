// What crashes may have left behind, as a report before anything is deleted: the sweeper takes it later. Also whether the long poll's control plane answers.
import type { KubeError } from '../model/kube-api.ts'
import { type CheckResult, ok, oneLine, warning } from './check.ts'

/** `found`: what the sweeper would look at; null: sweeping is switched off. */
export function checkLeftovers(
  found: { orphans: readonly { name: string }[]; secrets: number; error: KubeError | null } | null,
): CheckResult {
  const name = 'leftovers'
  if (found === null) return ok(name, 'not looked for: sweep_secrets is off')
  if (found.error) return warning(name, 'Secrets that no Job names could not be looked for', oneLine(found.error.message), null)
  const { orphans, secrets } = found
  if (orphans.length === 0) return ok(name, `none of ${secrets} Secret(s) of tasks is without its Job`)
  const names = orphans.slice(0, 5).map((orphan) => orphan.name)
  const more = orphans.length > names.length ? ` and ${orphans.length - names.length} more` : ''
  return warning(
    name,
    `${orphans.length} Secret(s) that no Job names`,
    `a crash between a Secret and its Job left them: ${names.join(', ')}${more}`,
    'nothing: the sweeper of the replica that leads deletes them within ten minutes (sweep_secrets)',
  )
}

/** `answer`: what the control plane made of a lease that asks for no message; null: no poll is configured. */
export function checkPoll(
  url: string | null,
  answer: { kind: string; cause?: string; messages?: readonly unknown[] } | null,
): CheckResult[] {
  if (url === null || answer === null) return []
  const name = 'poll'
  if (answer.kind === 'nothing') return [ok(name, `${url} answers the long poll`)]
  if (answer.kind === 'messages') {
    const many = `${answer.messages?.length ?? 0} message(s)`
    const why = `it was asked for none; they come again when their lease runs out, so nothing is lost but that time`
    return [
      warning(
        name,
        `${url} answers the long poll, but handed out ${many} to doctor`,
        why,
        'answer {"max":0} with 204 (docs/control-plane.md)',
      ),
    ]
  }
  const fix =
    answer.kind === 'unauthenticated'
      ? 'correct poll.token: it is the control plane’s to give'
      : 'check poll.url, the network policy and the control plane’s log'
  return [
    {
      name,
      status: 'failed',
      what: `${url} does not serve the long poll`,
      why: oneLine(answer.cause ?? answer.kind),
      fix,
      blocking: false,
    },
  ]
}
