// Wires the page: its login (a cookie that stands for a bearer token), its data, and what REST may take from it.
import type { FastifyRequest } from 'fastify'
import type { Check } from '../../routes/health.ts'
import type { UiDeps } from '../../routes/ui.ts'
import { type Authenticate, createAuthenticate, type Scope } from '../intake/index.ts'
import { type Audit, actorOf } from '../lib/audit.ts'
import { parseLabelSelector } from '../lib/label-selector.ts'
import type { DeliveryItem, DeliveryList } from '../model/delivery.ts'
import type { TaskView } from '../model/kube.ts'
import { type Refusal, refusal } from '../model/problem.ts'
import {
  computeStatistics,
  deliveriesPage,
  isFound,
  isSameOrigin,
  loginPage,
  manifestPage,
  maskedManifest,
  overviewPage,
  type Page,
  problemPage,
  renderPage,
  type Statistics,
  taskPage,
  tasksPage,
  type Viewer,
  wordsOf,
} from '../ui/index.ts'
import { VERSION } from '../version.ts'
import type { Shared } from './shared.ts'
import type { UiAccess } from './ui-access.ts'

/** Figures are computed at most so often, for all who look. */
const STATISTICS_MS = 2_000
const FIRST_PAINT = 100

export function createUi(
  shared: Shared,
  parts: {
    access: UiAccess
    /** Origins of callbacks that are held back now. */
    openCircuits: () => number
    isLeader: () => boolean
    deliveries: {
      itemOf: (task: TaskView) => DeliveryItem | null
      list: (query: {
        states: []
        limit: number
        cursor: string | null
      }) => { ok: true; page: DeliveryList } | { ok: false; refusal: Refusal }
    }
    checks: () => Check[]
    audit: Audit
  },
): UiDeps {
  const { config, settings, common, informer, reader, census, cluster } = shared
  const { sessions, assets } = parts.access
  const authenticate: Authenticate = createAuthenticate(config.api.tokens)

  function viewerOf(request: FastifyRequest): Viewer {
    if (!sessions) return { name: null, may: { logs: true, cancel: true, replay: true } }
    const { authorization } = request.headers
    const caller = authenticate(authorization ?? parts.access.authorizationOf(request).authorization)
    const may = (scope: Scope): boolean => caller?.scopes.has(scope) === true || caller?.scopes.has('admin') === true
    return { name: request.callerName, may: { logs: may('logs'), cancel: may('cancel'), replay: may('admin') } }
  }

  const render = (viewer: Viewer | null, page: Page): string =>
    renderPage({ workerId: settings.workerId, version: VERSION, assetsHash: assets.hash(), viewer }, page)
  const problem = (request: FastifyRequest, refused: Refusal, status = 503) => ({
    status,
    text: render(viewerOf(request), problemPage(status === 404 ? 'Not found' : 'Not now', refused.detail)),
  })

  let statistics: { atMs: number; promise: Promise<Statistics> } | null = null
  function currentStatistics(): Promise<Statistics> {
    const nowMs = common.clock.now()
    if (!statistics || nowMs - statistics.atMs > STATISTICS_MS)
      statistics = {
        atMs: nowMs,
        promise: computeStatistics([...informer.tasks.all()], reader.present, nowMs, () => new Promise((resolve) => setImmediate(resolve))),
      }
    return statistics.promise
  }

  async function found(request: FastifyRequest, id: string) {
    const result = await reader.find(id)
    if (!result.ok) return { ok: false as const, answer: problem(request, result.refusal) }
    if (!result.task) {
      const refused = refusal('not_found', 'No task has this id: finished tasks are kept until their retention ends.')
      return { ok: false as const, answer: problem(request, refused, 404) }
    }
    return { ok: true as const, task: result.task, view: informer.tasks.get(result.task.id) }
  }

  return {
    async overview(request) {
      const page = overviewPage({
        statistics: await currentStatistics(),
        capacity: {
          placed: census.placed(),
          queued: census.queued(),
          limit: settings.maxConcurrentTasks,
          overflow: config.limits.overflow,
        },
        health: [...parts.checks(), callbackCheck()],
        nowMs: common.clock.now(),
      })
      return render(viewerOf(request), page)
    },

    tasks(request, query) {
      const selector = parseLabelSelector(query.label)
      const words = wordsOf(query.search)
      const listed = selector.ok
        ? reader.list({
            states: query.states,
            label: query.label || null,
            limit: FIRST_PAINT,
            cursor: query.cursor,
            ...(words.length > 0 ? { matches: (task) => isFound(task, words) } : {}),
          })
        : { ok: false as const, refusal: refusal('invalid_request', `The label selector cannot be read at “${selector.requirement}”.`) }
      const page = tasksPage({
        query,
        tasks: listed.ok ? listed.page.items : [],
        nextCursor: listed.ok ? listed.page.next_cursor : null,
        isFirst: query.cursor === null,
        problem: listed.ok ? null : listed.refusal.detail,
        nowMs: common.clock.now(),
      })
      return { status: listed.ok ? 200 : listed.refusal.code === 'invalid_request' ? 422 : 503, text: render(viewerOf(request), page) }
    },

    async task(request, id) {
      const result = await found(request, id)
      if (!result.ok) return result.answer
      const page = taskPage({
        task: result.task,
        pods: result.view?.pods ?? [],
        delivery: result.view ? parts.deliveries.itemOf(result.view) : null,
        viewer: viewerOf(request),
        nowMs: common.clock.now(),
      })
      return { status: 200, text: render(viewerOf(request), page) }
    },

    async manifest(request, id) {
      const result = await found(request, id)
      if (!result.ok) return result.answer
      const job = await cluster.getJob(result.task.id)
      if (!job.ok)
        return job.error.status === 404
          ? problem(request, refusal('not_found', 'The Job is gone.'), 404)
          : problem(request, refusal('cluster_unavailable', 'The cluster cannot be asked for the Job now.'))
      return { status: 200, text: render(viewerOf(request), manifestPage(result.task, maskedManifest(job.value))) }
    },

    deliveries(request, cursor) {
      const listed = parts.deliveries.list({ states: [], limit: FIRST_PAINT, cursor })
      if (!listed.ok) return problem(request, listed.refusal)
      const viewer = viewerOf(request)
      const page = deliveriesPage({ items: listed.page.items, nextCursor: listed.page.next_cursor, viewer, nowMs: common.clock.now() })
      return { status: 200, text: render(viewer, page) }
    },

    loginPage: (next, detail) =>
      render(null, sessions ? loginPage({ next, problem: detail }) : problemPage('No login needed', 'This service runs with --insecure.')),

    logIn(request, token) {
      const caller = sessions && authenticate(`Bearer ${token}`)
      if (!sessions || !caller) return { ok: false, status: 401, detail: 'This service does not know this token.' }
      if (!caller.scopes.has('read') && !caller.scopes.has('admin'))
        return { ok: false, status: 403, detail: `The token ${caller.name} lacks the scope read: add it in api.tokens.` }
      parts.audit({ ...actorOf(request), who: caller.name, action: 'login', via: 'page' })
      return { ok: true, cookie: cookie(request, sessions.seal(token), Math.floor(settings.uiSessionMs / 1000)) }
    },
    logOut: (request) => cookie(request, '', 0),
    isSameOrigin: (request) => isSameOrigin(request.headers),
    asset: assets.get,
    assetsHash: assets.hash,
    notFound: () => refusal('not_found', 'the page has no such file'),
  }

  /** Secure wherever the browser came by HTTPS; who pretends so only keeps their own cookie from being sent. */
  function cookie(request: FastifyRequest, value: string, maxAgeSeconds: number): string {
    const secure = request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'
    return `${sessions?.cookieName}=${value}; Path=/; Max-Age=${maxAgeSeconds}; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`
  }

  function callbackCheck(): Check {
    const open = parts.openCircuits()
    const detail =
      open > 0
        ? `${open} receiver${open === 1 ? ' does' : 's do'} not answer and ${open === 1 ? 'is' : 'are'} held back`
        : 'every receiver answers'
    return {
      name: 'callbacks',
      ok: open === 0,
      required: false,
      detail: parts.isLeader() ? detail : 'sent by the replica that reports',
    }
  }
}
