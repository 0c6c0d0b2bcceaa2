// /openapi.json and /openapi.yaml: the document made from the routes' own schemas, completed by what the generator cannot see.
import type { App } from '../src/lib/http.ts'

export interface OpenapiDeps {
  /** The finished document; built on the first request, when every route is registered. */
  document: (app: App) => object
  yaml: (document: object) => string
}

export function openapiRoutes(deps: OpenapiDeps) {
  return async (app: App): Promise<void> => {
    let document: object | null = null
    let yaml: string | null = null
    const built = (): object => {
      document ??= deps.document(app)
      return document
    }
    app.get('/openapi.json', { schema: { hide: true } as never }, async (_request, reply) => reply.send(built() as never))
    app.get('/openapi.yaml', { schema: { hide: true } as never }, async (_request, reply) => {
      yaml ??= deps.yaml(built())
      return reply
        .type('application/yaml; charset=utf-8')
        .serializer(String)
        .send(yaml as never)
    })
  }
}
