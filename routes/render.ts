// POST /v1/render: the manifests a task would become. Creates nothing; secret values are always masked.
import { Type } from '@sinclair/typebox'
import { type App, nullIsAbsent, problems, sendProblem, withoutData } from '../src/lib/http.ts'
import { RestAssignment } from '../src/model/assignment.ts'
import { type FieldError, refusal } from '../src/model/problem.ts'

export interface RenderDeps {
  /** Pointers in errors begin with /data, as in an assignment message. */
  render: (
    assignment: RestAssignment,
    options: { showSecrets: boolean },
  ) => { ok: true; yaml: string; items: unknown[]; warnings: string[] } | { ok: false; errors: FieldError[] }
}

const Manifests = Type.Object(
  {
    items: Type.Array(Type.Unknown(), { description: 'The Secret (values masked), if the task needs one, then the Job.' }),
    warnings: Type.Array(Type.String(), { description: 'What was asked for and is not done. Names, never values.' }),
  },
  { description: 'For Accept: application/json.' },
)

const YAML = 'application/yaml'

export function renderRoutes(deps: RenderDeps) {
  return async (app: App): Promise<void> => {
    app.post(
      '/v1/render',
      {
        config: { scope: 'read' },
        preValidation: nullIsAbsent,
        schema: {
          operationId: 'renderTask',
          tags: ['tasks'],
          summary: 'The manifests a task would become: nothing is created, secret values are masked',
          security: [{ bearer: [] }],
          body: RestAssignment,
          response: {
            200: {
              description: 'YAML for kubectl apply, or JSON where Accept prefers it.',
              content: { [YAML]: { schema: Type.String() }, 'application/json': { schema: Manifests } },
            },
            ...problems(400, 401, 403, 404, 413, 415, 422),
          },
        },
      },
      async (request, reply) => {
        const result = deps.render(request.body, { showSecrets: false })
        if (!result.ok) {
          const { errors } = result
          const detail = errors.map((error) => `${error.pointer} ${error.detail}`).join('; ')
          return sendProblem(reply, withoutData(refusal('invalid_request', detail, { errors })))
        }
        reply.header('vary', 'accept')
        if (prefersJson(request.headers.accept)) {
          return reply
            .type('application/json; charset=utf-8')
            .serializer(JSON.stringify)
            .send({ items: result.items, warnings: result.warnings } as never)
        }
        return reply
          .type(`${YAML}; charset=utf-8`)
          .serializer(String)
          .send(result.yaml as never)
      },
    )
  }
}

/** YAML unless JSON is named with a greater weight than YAML (or than everything). */
export function prefersJson(accept: string | undefined): boolean {
  if (accept === undefined) return false
  const weights = new Map<string, number>()
  for (const part of accept.split(',')) {
    const [type = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    weights.set(type, weight === undefined ? 1 : Number(weight) || 0)
  }
  const json = weights.get('application/json') ?? 0
  const yaml = Math.max(...[YAML, 'application/x-yaml', 'text/yaml', 'text/plain'].map((type) => weights.get(type) ?? 0))
  return json > 0 && json > yaml
}
