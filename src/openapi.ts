// The OpenAPI 3.1 document: from the routes' schemas, plus what they cannot say: the webhook's body (read as raw bytes for its signature) and the
// callbacks that go the other way.
import fastifySwagger from '@fastify/swagger'
import { type TSchema, Type } from '@sinclair/typebox'
import { stringify } from 'yaml'
import { type App, problemBody } from './lib/http.ts'
import { Assignment, AssignmentMessage, Cancellation, CancellationMessage, HeartbeatMessage, RestAssignment } from './model/assignment.ts'
import { CompletedMessage, FailedMessage, StartedMessage } from './model/callback-schema.ts'
import { DeliveryItem, DeliveryList, ReplayResult } from './model/delivery.ts'
import { PROBLEMS, type ProblemCode, refusal } from './model/problem.ts'
import { ProblemBody, TaskList, TaskRecord } from './model/task.ts'
import { EXAMPLES } from './openapi-examples.ts'
import { isObject, type Json, knownSchemas, referTo, tidySchemas } from './openapi-tidy.ts'
import { VERSION } from './version.ts'

const PROBLEM_TYPE = 'application/problem+json'

type Content = Record<string, Json>
export interface Operation {
  operationId: string
  security?: unknown
  parameters?: Json[]
  requestBody?: { content: Content }
  responses: Record<string, { description?: string; content?: Content; $ref?: string }>
  callbacks?: Record<string, Record<string, Record<string, Operation>>>
}
interface Document extends Json {
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, Record<string, Operation>>
  components: Json & { schemas: Json; examples: Json; responses: Json }
}

const header = (name: string, description: string, pattern = '.'): Json => ({
  name,
  in: 'header',
  required: true,
  description,
  schema: { type: 'string', pattern },
})
const SIGNATURE_HEADERS = [
  header(
    'webhook-id',
    'Unique to the message; the same at each retry. 1 to 256 visible ASCII characters, no full stop.',
    '^[!-\\-/-~]{1,256}$',
  ),
  header('webhook-timestamp', 'Seconds since 1970 of this attempt; at most 300 s from the receiver’s clock.', '^(0|[1-9][0-9]{0,14})$'),
  header(
    'webhook-signature',
    'Space-separated `v1,<base64>` (HMAC-SHA256) or `v1a,<base64>` (ed25519) over `{webhook-id}.{webhook-timestamp}.{raw body}`.',
    '^[!-~]+( +[!-~]+){0,9}$',
  ),
]

const TRACEPARENT = {
  ...header('traceparent', 'W3C trace context. The task, its traces and its callbacks belong to the same trace.'),
  required: false,
}

/** Must be registered before any route. */
export function registerOpenapi(app: App): void {
  app.register(fastifySwagger, {
    refResolver: {
      buildLocalReference: (json, _baseUri, _fragment, index) => (typeof json.$id === 'string' ? json.$id : `Schema${index}`),
    },
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'jobhook',
        version: VERSION,
        description: 'Webhook in, Job out, callback back: runs each task as a Kubernetes Job and reports its verdict by signed callback.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [
        { url: '/', description: 'Where this document came from.' },
        { url: 'http://127.0.0.1:8080', description: 'As started from a checkout.' },
      ],
      tags: [
        { name: 'webhook', description: 'For control planes.' },
        { name: 'tasks', description: 'For people and scripts.' },
        { name: 'operation', description: 'For operators.' },
      ],
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'A token of api.tokens.' } } },
    },
  })
}

/** Schemas that have a name of their own in the document. */
const NAMED: Readonly<Record<string, TSchema>> = {
  Problem: ProblemBody,
  Task: TaskRecord,
  TaskList,
  Delivery: DeliveryItem,
  DeliveryList,
  ReplayResult,
  Assignment,
  SubmittedAssignment: RestAssignment,
  Cancellation,
  AssignmentMessage,
  CancellationMessage,
  HeartbeatMessage,
  StartedMessage,
  CompletedMessage,
  FailedMessage,
}

/** The whole document, plain JSON. */
export function openapiDocument(app: App): Json {
  const generated = JSON.parse(JSON.stringify(app.swagger())) as Document
  const webhook = generated.paths['/v1/webhook']?.post
  if (webhook) {
    webhook.security = []
    webhook.parameters = [...SIGNATURE_HEADERS, TRACEPARENT]
    webhook.requestBody = jsonBody(oneOf(AssignmentMessage, CancellationMessage, HeartbeatMessage))
    webhook.callbacks = {
      verdict: { '{$request.body#/data/callback_url}': { post: callbackOperation('taskCallback') } },
    }
  }
  generated.webhooks = { callback: { post: callbackOperation('callback') } }
  const named = new Map(Object.entries(NAMED).map(([name, schema]) => [name, tidySchemas(JSON.parse(JSON.stringify(schema)))]))
  const known = knownSchemas(named)
  generated.components.schemas = Object.fromEntries([...named].map(([name, schema]) => [name, referTo(schema, known, name)]))
  const { components, ...faces } = generated
  const document = { ...(referTo(tidySchemas(faces), known) as Document), components }
  components.responses = {}
  for (const operation of operationsOf(document)) finish(operation, components.responses)
  const shown = JSON.stringify(components.responses)
  const codes = Object.keys(PROBLEMS).filter((code) => shown.includes(`/examples/${code}"`)) as ProblemCode[]
  components.examples = Object.fromEntries(codes.map((code) => [code, problemExample(code)]))
  return document
}

/** Every operation: of paths, webhooks and callbacks. */
export function operationsOf(document: Pick<Document, 'paths' | 'webhooks'>): Operation[] {
  const of = (items: Record<string, Record<string, Operation>>): Operation[] => Object.values(items).flatMap((item) => Object.values(item))
  const own = [...of(document.paths), ...of(document.webhooks)]
  return [...own, ...own.flatMap(({ callbacks = {} }) => Object.values(callbacks).flatMap((items) => of(items)))]
}

function finish(operation: Operation, shared: Record<string, unknown>): void {
  operation.security ??= []
  for (const parameter of operation.parameters ?? []) {
    if (isObject(parameter.schema) && parameter.schema.type === 'array') Object.assign(parameter, { style: 'form', explode: false })
  }
  const examples = EXAMPLES[operation.operationId]
  for (const content of Object.values(operation.requestBody?.content ?? {})) if (examples?.request) content.examples = examples.request
  for (const [status, response] of Object.entries(operation.responses)) {
    if (response.content?.[PROBLEM_TYPE]) {
      shared[`Problem${status}`] ??= problemResponse(Number(status), response)
      operation.responses[status] = { $ref: `#/components/responses/Problem${status}` }
    }
    for (const [type, content] of Object.entries(response.content ?? {})) {
      const given = examples?.responses?.[status]?.[type]
      if (given) content.examples = given
    }
  }
  // Also a path that refuses nothing itself: what is no HTTP, or too large, is answered before any route.
  if (!Object.keys(operation.responses).some((status) => /^4|^2XX/.test(status))) {
    shared.Problem4XX ??= problemResponse(400, { description: 'The request could not be read: malformed_request, headers_too_large, …' })
    operation.responses['4XX'] = { $ref: '#/components/responses/Problem4XX' }
  }
}

function problemResponse(status: number, { description }: { description?: string }): Json {
  const codes = Object.entries(PROBLEMS).filter(([, problem]) => problem.status === status)
  const header = (text: string, schema: Json): Json => ({ description: text, schema })
  const headers = {
    ...(status === 429 || status === 503
      ? { 'Retry-After': header('Seconds until a retry makes sense.', { type: 'integer', minimum: 0 }) }
      : {}),
    ...(status === 401 ? { 'WWW-Authenticate': header('With the code unauthenticated.', { type: 'string' }) } : {}),
  }
  return {
    description,
    ...(Object.keys(headers).length > 0 ? { headers } : {}),
    content: {
      [PROBLEM_TYPE]: {
        schema: { $ref: '#/components/schemas/Problem' },
        examples: Object.fromEntries(codes.map(([code]) => [code, { $ref: `#/components/examples/${code}` }])),
      },
    },
  }
}

function problemExample(code: ProblemCode): Json {
  return { summary: PROBLEMS[code].title, value: problemBody(refusal(code, PROBLEMS[code].example), 'req_Qk3vTq0mZ8aL') }
}

export function openapiYaml(document: object): string {
  return `# Generated by "npm run openapi" from the schemas in src/ and routes/. Do not edit.\n${stringify(document, { lineWidth: 140, aliasDuplicateObjects: false, version: '1.1' })}`
}

function callbackOperation(operationId: string): Operation & Json {
  return {
    operationId,
    tags: ['webhook'],
    summary: 'What jobhook tells the control plane: a task started, completed or failed',
    security: [],
    parameters: [...SIGNATURE_HEADERS, TRACEPARENT],
    requestBody: jsonBody(oneOf(StartedMessage, CompletedMessage, FailedMessage)),
    responses: {
      '2XX': { description: 'Acknowledged.' },
      '410': { description: 'Wants nothing more for this task.' },
      default: { description: 'Tried again on the schedule; Retry-After is honoured.' },
    },
  }
}

function jsonBody(schema: unknown): { required: true; content: Content } {
  return { required: true, content: { 'application/json': { schema } } }
}

function oneOf(...schemas: TSchema[]): unknown {
  return JSON.parse(JSON.stringify(Type.Unsafe({ oneOf: schemas })))
}
