// /openapi.json and /openapi.yaml: the document made from the routes' own schemas, completed by what the generator cannot see.
import type { App } from '../src/lib/http.ts'

export interface OpenapiDeps {
  /** The finished document; built on the first request, when every route is registered. */
  document: (app: App) => object
  yaml: (document: object) => string
}

export function openapiRoutes(deps: OpenapiDeps) {
  return async (app: App): Promise<void> => {
    app.get('/openapi.json', { schema: { hide: true } as never }, async (_request, reply) => reply.send(deps.document(app) as never))
    app.get('/openapi.yaml', { schema: { hide: true } as never }, async (_request, reply) =>
      reply
        .type('application/yaml; charset=utf-8')
        .serializer(String)
        .send(deps.yaml(deps.document(app)) as never),
    )
  }
}
