// Where callbacks may go. A task's own URL needs an allowed origin, and its connections an allowed address; the configured URL is the operator's
// and only kept away from metadata services. Not for: proxies and certificates (transport.ts).
import { lookup as dnsLookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import type { buildConnector } from 'undici'
import { type AddressKind, addressKind } from './addresses.ts'

/** null when a task's own callback URL may be used: only origins that the operator has allowed. Else why not, with the remedy. */
export function callbackUrlProblem(url: string, allowed: readonly string[]): string | null {
  if (!URL.canParse(url)) return 'is not a URL'
  const { origin, username, password, protocol } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return 'must be an http:// or https:// URL'
  if (username !== '' || password !== '') return 'must not carry a user name or password'
  if (allowed.includes(origin)) return null
  return 'has an origin that is not allowed: the operator lists origins in callback.allow_origins; without callback_url the configured URL is called'
}

/** guarded: a task chose the URL. private: the same, and the operator set callback.allow_private. trusted: the operator's own URL. */
export type EgressPolicy = 'guarded' | 'private' | 'trusted'

const REACHABLE: Record<EgressPolicy, readonly AddressKind[]> = {
  guarded: ['public'],
  private: ['public', 'private'],
  trusted: ['public', 'private', 'linkLocal', 'special'],
}
const NAMES: Record<AddressKind, string> = {
  public: 'a public address',
  private: 'a private address: callback.allow_private lets tasks call those',
  linkLocal: 'a link-local address',
  metadata: 'the address of a metadata service',
  special: 'an address that nothing can be sent to',
}

/** null: a connection may go there. Else why not. */
export function addressProblem(address: string, policy: EgressPolicy): string | null {
  const kind = addressKind(address)
  if (kind === null) return 'is not an IP address'
  return REACHABLE[policy].includes(kind) ? null : `is ${NAMES[kind]}`
}

/** For a URL whose host is an address: what is wrong with it. A name is looked at when a connection is made; null says nothing about it. */
export function literalProblem(url: string, policy: EgressPolicy): string | null {
  const host = withoutBrackets(new URL(url).hostname)
  return isIP(host) === 0 ? null : addressProblem(host, policy)
}

/** No connection was made, because of where it would have gone. */
export class EgressRefused extends Error {
  constructor(host: string, address: string, problem: string) {
    super(host === address ? `${address} ${problem}` : `${host} leads to ${address}, which ${problem}`)
    this.name = 'EgressRefused'
  }
}

/** Every address of a host name. */
export type LookupAll = (host: string) => Promise<string[]>

export const systemLookup: LookupAll = async (host) => (await dnsLookup(host, { all: true })).map(({ address }) => address)

/**
 * Wraps undici's connector: looks the name up itself, refuses when any of its addresses may not be reached, and connects to an address that was
 * checked. A lookup option alone would be passed by IP literals, and a name looked up twice may lead elsewhere the second time.
 */
export function guardConnector(
  connect: buildConnector.connector,
  deps: { policy: EgressPolicy; lookup?: LookupAll },
): buildConnector.connector {
  const lookup = deps.lookup ?? systemLookup

  async function checkedAddresses(host: string): Promise<string[]> {
    const addresses = isIP(host) === 0 ? await lookup(host) : [host]
    if (addresses.length === 0) throw new Error(`${host} has no address`)
    for (const address of addresses) {
      const problem = addressProblem(address, deps.policy)
      if (problem) throw new EgressRefused(host, address, problem)
    }
    return addresses
  }

  return (options, callback) => {
    const host = withoutBrackets(options.hostname)
    const attempt = (addresses: string[]): void => {
      const [address, ...others] = addresses
      if (address === undefined) return
      // The certificate must be the host's, whichever address the connection goes to.
      const { servername: _unused, ...rest } = options
      connect(
        { ...rest, hostname: address, ...(options.protocol === 'https:' && isIP(host) === 0 ? { servername: host } : {}) },
        (...result) => {
          if (result[0] && others.length > 0) attempt(others)
          else callback(...result)
        },
      )
    }
    checkedAddresses(host).then(attempt, (error: unknown) =>
      callback(error instanceof Error ? error : new Error('the lookup failed', { cause: error }), null),
    )
  }
}

function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1')
}
