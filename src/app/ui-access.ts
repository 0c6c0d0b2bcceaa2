// Wires who gets at the page and what its cookie is good for: it stands for the bearer token that is sealed in it, on REST's routes too, but what
// changes something is taken from the page's own requests only.
import { sendPage } from '../../routes/ui.ts'
import type { PageAccess } from '../access.ts'
import { refusal } from '../model/problem.ts'
import {
  type Assets,
  createAssets,
  createSessions,
  isSameOrigin,
  ONCE_MORE,
  type Page,
  problemPage,
  readCookie,
  renderPage,
  type Sessions,
} from '../ui/index.ts'
import { VERSION } from '../version.ts'
import type { Shared } from './shared.ts'

/** What a request that changes something has to bear beside the cookie: no other site can add a header of its own. */
export const PAGE_HEADER = 'x-jobhook-page'
const SAFE_METHODS = new Set(['GET', 'HEAD'])
export interface UiAccess extends PageAccess {
  /** null: nobody has to log in (--insecure). */
  sessions: Sessions | null
  assets: Assets
}

/** null: there is nobody who could log in, or the page is switched off. */
export function createUiAccess({ config, common, settings }: Shared, insecure: boolean): UiAccess | null {
  const { tokens } = config.api
  if (!config.ui.enabled || (tokens.length === 0 && !insecure)) return null
  const assets = createAssets()
  const sessions =
    tokens.length === 0
      ? null
      : createSessions(common, {
          secrets: [...tokens.flatMap(({ token, sha256 }) => token ?? sha256 ?? []), ...config.webhook.secrets, ...config.callback.secrets],
          name: settings.workerId,
          lifetimeMs: settings.uiSessionMs,
        })
  return {
    sessions,
    assets,
    authorizationOf(request) {
      const sealed = sessions && readCookie(request.headers.cookie, sessions.cookieName)
      const token = sealed ? sessions.open(sealed) : null
      if (token === null) return { authorization: undefined, refused: null }
      if (!SAFE_METHODS.has(request.method) && (request.headers[PAGE_HEADER] === undefined || !isSameOrigin(request.headers)))
        return {
          authorization: undefined,
          refused: refusal('forbidden', `the page's cookie counts only for the page's own requests: they bear ${PAGE_HEADER}`),
        }
      return { authorization: `Bearer ${token}`, refused: null }
    },
    refuse(request, reply, refused) {
      if (refused.code !== 'unauthenticated') return sendPage(reply, 403, bare(problemPage('Not allowed', refused.detail)))
      const again = request.headers['sec-fetch-site'] === 'cross-site' && request.method === 'GET'
      if (again) return sendPage(reply, 200, ONCE_MORE)
      return reply.redirect(`/ui/login?next=${encodeURIComponent(request.url)}`, 303)
    },
  }

  function bare(page: Page): string {
    return renderPage({ workerId: settings.workerId, version: VERSION, assetsHash: assets.hash(), viewer: null }, page)
  }
}
