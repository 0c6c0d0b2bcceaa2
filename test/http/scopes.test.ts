// Every route and what it takes to use it. A route that is not in this table, or whose scope is another, fails here: nobody adds an open door by
// forgetting a line.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createApp, type JobhookApp } from '../../src/app.ts'
import { loadConfig, SCOPES } from '../../src/config/index.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { createLog } from '../../src/lib/log.ts'

type Access = (typeof SCOPES)[number] | 'open' | 'signature'

const ROUTES: Record<string, Access> = {
  'POST /v1/webhook': 'signature',
  'POST /v1/tasks': 'submit',
  'GET /v1/tasks': 'read',
  'GET /v1/tasks/:id': 'read',
  'DELETE /v1/tasks/:id': 'cancel',
  'GET /v1/tasks/:id/logs': 'logs',
  'GET /v1/events': 'read',
  'POST /v1/render': 'read',
  'GET /v1/deliveries': 'read',
  'POST /v1/deliveries/:id/replay': 'admin',
  'POST /v1/deliveries/replay': 'admin',
  'GET /ui': 'read',
  'GET /ui/tasks': 'read',
  'GET /ui/tasks/:id': 'read',
  'GET /ui/tasks/:id/manifest': 'read',
  'GET /ui/deliveries': 'read',
  // Nothing of a task, a token or a cluster's secrets is in these.
  'GET /livez': 'open',
  'GET /readyz': 'open',
  'GET /startupz': 'open',
  'GET /metrics': 'open',
  'GET /openapi.json': 'open',
  'GET /openapi.yaml': 'open',
  'GET /docs/problems': 'open',
  'GET /docs': 'open',
  'GET /docs/': 'open',
  'GET /docs/start.js': 'open',
  'GET /docs/swagger-ui.css': 'open',
  'GET /docs/swagger-ui-bundle.js': 'open',
  'GET /docs/favicon-32x32.png': 'open',
  'GET /ui/': 'open',
  'GET /ui/login': 'open',
  'POST /ui/login': 'open',
  'POST /ui/logout': 'open',
  'GET /ui/assets/:hash/:name': 'open',
}

/** A cluster that nobody asks: the service is wired, not started. */
const KUBECONFIG = JSON.stringify({
  clusters: [{ name: 'none', cluster: { server: 'http://127.0.0.1:1' } }],
  users: [{ name: 'none', user: {} }],
  contexts: [{ name: 'none', context: { cluster: 'none', user: 'none' } }],
  'current-context': 'none',
})
/** What a request is answered once it has passed. */
const PASSED = 418
const tokenWith = (scope: string): string => `token-with-scope-${scope}`
const found = new Map<string, string | undefined>()
let app: JobhookApp

before(async () => {
  const tokens = SCOPES.map((scope) => ({ name: scope, token: tokenWith(scope), scopes: [scope] }))
  const loaded = loadConfig({ file: null, content: { worker_id: 'scopes', api: { tokens } }, env: {} })
  assert.ok(loaded.ok)
  app = createApp(
    { clock: systemClock, log: createLog({ level: 'silent', workerId: 'scopes' }) },
    { config: loaded.config, kubeconfig: { kind: 'text', text: KUBECONFIG }, identity: 'scopes', insecure: false, env: {} },
  )
  app.server.addHook('onRoute', ({ method, url, config }) => {
    for (const each of [method].flat()) if (each !== 'HEAD') found.set(`${each} ${url}`, config?.scope)
  })
  app.server.addHook('preParsing', async (_request, reply) => void (await reply.code(PASSED).send()))
  await app.server.ready()
})
after(() => app.stop())

test('every route is in the table, and nothing else', () => {
  assert.deepEqual([...found.keys()].sort(), Object.keys(ROUTES).sort())
  for (const [route, access] of Object.entries(ROUTES))
    assert.equal(found.get(route), access === 'open' || access === 'signature' ? undefined : access, route)
})

async function ask(route: string, authorization?: string): Promise<{ status: number; code: string }> {
  const [method, url = ''] = route.split(' ')
  const answer = await app.server.inject({
    method: method as 'GET',
    url: url.replace(':id', 'some-task'),
    headers: authorization === undefined ? {} : { authorization },
  })
  return { status: answer.statusCode, code: answer.statusCode === PASSED ? 'passed' : (answer.json() as { code: string }).code }
}

for (const [route, access] of Object.entries(ROUTES)) {
  if (access === 'open' || access === 'signature') {
    test(`${route}: no token needed`, async () => assert.equal((await ask(route)).code, 'passed'))
    continue
  }
  test(`${route}: only with the scope ${access}, or admin`, async () => {
    for (const scope of SCOPES) {
      const expected: { status: number; code: string } =
        scope === access || scope === 'admin' ? { status: PASSED, code: 'passed' } : { status: 403, code: 'forbidden' }
      assert.deepEqual(await ask(route, `Bearer ${tokenWith(scope)}`), expected, `a token with ${scope}`)
    }
    const none = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${tokenWith(access)}x`,
      `Bearer ${tokenWith(access).slice(0, -1)}`,
      `Bearer ${tokenWith(access).toUpperCase()}`,
      `Basic ${tokenWith(access)}`,
      `Bearer ${tokenWith(access)}, Bearer ${tokenWith(access)}`,
      tokenWith(access),
      `Bearer ${tokenWith(access)}\u0000`,
    ]
    for (const authorization of none)
      assert.deepEqual(await ask(route, authorization), { status: 401, code: 'unauthenticated' }, JSON.stringify(authorization))
  })
}
