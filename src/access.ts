// Who may ask, and how often: bearer tokens with their scopes, a limit of requests a client, a client certificate where one is wanted.
// Not for: the signatures of webhooks (intake), the cap on requests in flight (server.ts).
import type { TLSSocket } from 'node:tls'
import rateLimit from '@fastify/rate-limit'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Authenticate, Caller } from './intake/index.ts'
import { type App, sendProblem } from './lib/http.ts'
import type { Logger } from './lib/log.ts'
import type { Metrics } from './lib/metrics.ts'
import { type Refusal, refusal } from './model/problem.ts'

/** Requests a second and client, averaged over WINDOW_MS; 0: no limit. */
export interface Rates {
  /** The webhook, by address: a control plane sends everything from one. */
  webhook: number
  /** REST, by the token's name. */
  token: number
  /** The rest, by address; also whoever shows no valid token, so that guessing is slow. */
  address: number
}

export type RateKind = keyof Rates

/** Long enough to let a burst pass, short enough that nobody is told to wait for long. */
const WINDOW_MS = 10_000

/** The page's way in: a login instead of a header, pages instead of problem details. */
export interface PageAccess {
  /** The Authorization header that the request's cookie stands for; `refused` when it may not be used for this request. */
  authorizationOf(request: FastifyRequest): { authorization: string | undefined; refused: Refusal | null }
  refuse(request: FastifyRequest, reply: FastifyReply, refused: Refusal): FastifyReply
}

export interface AccessOptions {
  /** null: there is no page. */
  page?: PageAccess | null
  /** null: REST has no token and answers 404; 'open': --insecure. */
  authenticate: Authenticate | null | 'open'
  rates: Rates
  /** Only health and metrics are answered without a client certificate of the configured authority. */
  clientCertificates: boolean
}

export function guardAccess(app: App, deps: { log: Logger; metrics: Pick<Metrics, 'rateLimited'> }, options: AccessOptions): void {
  const { authenticate } = options
  const tell = tellNowAndThen(deps.log)
  const within = createLimiters(app, options.rates)
  app.decorateRequest('callerName', null)
  app.addHook('onRequest', async (request, reply) => {
    const { scope, uncapped, rate } = request.routeOptions.config
    if (uncapped && !scope) return
    if (options.clientCertificates && !uncapped && !(request.raw.socket as TLSSocket).authorized)
      return sendProblem(reply, refusal('certificate_required', 'connect with a client certificate of the authority in tls.client_ca_file'))
    const judged = scope ? judgeToken(request) : { caller: null, refused: null }
    const kind = rate ?? (judged.caller || (scope && authenticate === 'open') ? 'token' : 'address')
    request.callerName = judged.caller?.name ?? null
    const waitSeconds = uncapped ? null : await within[kind](request)
    if (waitSeconds !== null) {
      deps.metrics.rateLimited.inc({ by: kind })
      tell(kind, { by: kind, from: request.ip, who: request.callerName, rate: options.rates[kind] })
      return sendProblem(reply, tooMany(kind, options.rates[kind], waitSeconds))
    }
    if (judged.refused) return refuse(request, reply, judged.refused)
    if (scope && judged.caller && !judged.caller.scopes.has(scope) && !judged.caller.scopes.has('admin')) {
      return refuse(request, reply, refusal('forbidden', `the token ${judged.caller.name} lacks the scope ${scope}: add it in api.tokens`))
    }
  })

  function refuse(request: FastifyRequest, reply: FastifyReply, refused: Refusal): FastifyReply {
    const reads = request.routeOptions.config.page && request.headers.accept?.includes('text/html')
    return reads && options.page ? options.page.refuse(request, reply, refused) : sendProblem(reply, refused)
  }

  function judgeToken(request: FastifyRequest): { caller: Caller | null; refused: Refusal | null } {
    if (authenticate === 'open') return { caller: null, refused: null }
    if (authenticate === null)
      return { caller: null, refused: refusal('not_configured', 'the REST API has no token: set api.tokens in the configuration') }
    const shown = request.headers.authorization
    const fromPage = shown === undefined && options.page ? options.page.authorizationOf(request) : null
    if (fromPage?.refused) return { caller: null, refused: fromPage.refused }
    const caller = authenticate(shown ?? fromPage?.authorization)
    return {
      caller,
      refused: caller ? null : refusal('unauthenticated', 'send Authorization: Bearer with a token from api.tokens'),
    }
  }
}

/**
 * For each kind: counts a request; null when it is within the limit, else the whole seconds to wait. The plugin remembers 5,000 clients of a kind
 * (then the one seen longest ago is forgotten) and counts IPv6 clients by their /64.
 */
function createLimiters(app: App, rates: Rates): Record<RateKind, (request: FastifyRequest) => Promise<number | null>> {
  app.register(rateLimit, { global: false })
  const unlimited = async (): Promise<null> => null
  const limiters: Record<RateKind, (request: FastifyRequest) => Promise<number | null>> = {
    webhook: unlimited,
    token: unlimited,
    address: unlimited,
  }
  app.addHook('onReady', async () => {
    for (const kind of Object.keys(rates) as RateKind[]) {
      if (rates[kind] === 0) continue
      const count = app.createRateLimit({
        max: Math.ceil((rates[kind] * WINDOW_MS) / 1000),
        timeWindow: WINDOW_MS,
        ...(kind === 'token' ? { keyGenerator: (request: FastifyRequest) => request.callerName ?? '' } : {}),
      })
      limiters[kind] = async (request) => {
        const result = await count(request)
        return !result.isAllowed && result.isExceeded ? Math.max(1, result.ttlInSeconds) : null
      }
    }
  })
  return limiters
}

/** One of many refusals: a flood must not become a flood of lines. */
function tellNowAndThen(log: Logger): (kind: RateKind, facts: object) => void {
  const toldAtMs = new Map<RateKind, number>()
  return (kind, facts) => {
    const nowMs = performance.now()
    if (nowMs - (toldAtMs.get(kind) ?? Number.NEGATIVE_INFINITY) < WINDOW_MS) return
    toldAtMs.set(kind, nowMs)
    log.warn(facts, 'a client asks too often; it hears 429 (told once in 10 s, for one of them)')
  }
}

function tooMany(kind: RateKind, rate: number, retryAfterSeconds: number): Refusal {
  const who = kind === 'token' ? 'this token' : 'this address'
  return refusal(
    'rate_limited',
    `${who} has sent more than ${rate} requests a second (limits.requests_per_second.${kind}, averaged over ${WINDOW_MS / 1000} s): wait for Retry-After`,
    { retryAfterSeconds },
  )
}
