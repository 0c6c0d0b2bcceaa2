// GET /docs: the API to read and to try out in a browser. Swagger UI's own files from @fastify/swagger-ui, which is not registered as a plugin: its plugin
// would be loaded at start by every service (27 ms), and brings an inline style's worth of policy. Nothing is read before somebody opens the page.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { App } from '../src/lib/http.ts'

const TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** Scripts and styles from here only, no other site is asked for anything. What swagger-ui draws are data: images. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/** Relative addresses: the service may stand behind a path of its own. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>jobhook: the API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<noscript><p>This page needs JavaScript. The same without: <a href="openapi.yaml">openapi.yaml</a>, <a href="docs/problems">problems</a>.</p></noscript>
<main id="api"></main>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
`

/** No validator of another site, and a token is forgotten with the page. */
const START = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#api',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  displayRequestDuration: true,
})
`

export function docsRoutes() {
  return async (app: App): Promise<void> => {
    const hidden = { schema: { hide: true } as never }
    app.get('/docs', hidden, async (_request, reply) =>
      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', POLICY)
        .serializer(String)
        .send(PAGE as never),
    )
    app.get('/docs/', hidden, async (_request, reply) => reply.redirect('../docs', 308))
    app.get('/docs/start.js', hidden, async (_request, reply) =>
      reply
        .type('text/javascript; charset=utf-8')
        .serializer(String)
        .send(START as never),
    )
    for (const [name, type] of Object.entries(TYPES)) {
      app.get(`/docs/${name}`, hidden, async (_request, reply) => {
        const bytes = await readFile(join(assets(), name))
        return reply
          .type(type)
          .header('cache-control', 'public, max-age=3600')
          .send(bytes as never)
      })
    }
  }
}

function assets(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@fastify/swagger-ui/package.json')), 'static')
}
