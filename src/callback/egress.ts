// Which per-task callback URLs are accepted at all. The configured URL is the operator's own and is trusted.

/** null when a task's own callback URL may be used: only origins that the operator has allowed. Else why not, with the remedy. */
export function callbackUrlProblem(url: string, allowed: readonly string[]): string | null {
  if (!URL.canParse(url)) return 'is not a URL'
  const { origin, username, password, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return 'must be an http:// or https:// URL'
  if (username !== '' || password !== '') return 'must not carry a user name or password'
  if (allowed.includes(origin)) return null
  return 'has an origin that is not allowed: the operator lists origins in callback.allow_origins; without callback_url the configured URL is called'
}
