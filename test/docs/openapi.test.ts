// openapi.yaml for its readers: every request and every answer has an example, and each example is what its schema says. Linting and the client that is
// generated from it: test/api.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { parse } from 'yaml'
import { PROBLEMS } from '../../src/model/problem.ts'
import { EXAMPLES } from '../../src/openapi-examples.ts'

// biome-ignore lint/suspicious/noExplicitAny: the document as a reader meets it
type Any = any
const document: Any = parse(readFileSync(join(import.meta.dirname, '../../openapi.yaml'), 'utf8'))
const ajv = new Ajv2020({ strict: false, allErrors: true })
formats.default(ajv)
ajv.addSchema(document, 'openapi')

interface Place {
  where: string
  operationId: string
  /** JSON pointer of the content. */
  pointer: string
  content: Any
}

const escaped = (part: string): string => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))

function resolve(value: Any, pointer: string): { value: Any; pointer: string } {
  if (value?.$ref === undefined) return { value, pointer }
  const parts = value.$ref.slice(2).split('/') as string[]
  return { value: parts.reduce((node: Any, part) => node[part], document), pointer: `/${parts.join('/')}` }
}

function placesOf(items: Record<string, Record<string, Any>>, base: string): Place[] {
  return Object.entries(items).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, operation]) => {
      const at = `${base}/${escaped(path)}/${method}`
      const bodies = [
        { name: 'request', ...resolve(operation.requestBody, `${at}/requestBody`) },
        ...Object.entries(operation.responses).map(([status, response]) => ({
          name: status,
          ...resolve(response, `${at}/responses/${status}`),
        })),
      ]
      const own = bodies.flatMap(({ name, value, pointer }) =>
        Object.entries((value?.content ?? {}) as Record<string, Any>).map(([type, content]) => ({
          where: `${operation.operationId} ${name} ${type}`,
          operationId: operation.operationId as string,
          pointer: `${pointer}/content/${escaped(type)}`,
          content,
        })),
      )
      const callbacks = Object.entries((operation.callbacks ?? {}) as Record<string, Any>)
      return [...own, ...callbacks.flatMap(([name, inner]) => placesOf(inner, `${at}/callbacks/${escaped(name)}`))]
    }),
  )
}

const places = [...placesOf(document.paths, '/paths'), ...placesOf(document.webhooks, '/webhooks')]

test('every request and every answer with a body has an example (else: src/openapi-examples.ts)', () => {
  assert.ok(places.length > 60)
  const without = places.filter(({ content }) => Object.keys(content.examples ?? {}).length === 0).map(({ where }) => where)
  assert.deepEqual(without, [])
})

test('every example is what its schema says', () => {
  let checked = 0
  for (const { where, pointer, content } of places) {
    const validate = ajv.compile({ $ref: `openapi#${pointer}/schema` })
    for (const [name, example] of Object.entries((content.examples ?? {}) as Record<string, Any>)) {
      const { value } = resolve(example, '').value
      assert.ok(validate(value), `${where}, example ${name}: ${ajv.errorsText(validate.errors)}`)
      checked++
    }
  }
  assert.ok(checked > 100)
  // The check can fail.
  assert.equal(ajv.validate({ $ref: 'openapi#/components/schemas/Task' }, { id: 'task-1' }), false)
})

test('no example is left of an operation that is no more, and every problem example names a code of the table', () => {
  const ids = new Set(places.map(({ operationId }) => operationId))
  assert.deepEqual(
    Object.keys(EXAMPLES).filter((id) => !ids.has(id)),
    [],
  )
  assert.deepEqual(
    Object.keys(document.components.examples).filter((code) => !(code in PROBLEMS)),
    [],
  )
})

test('inbound messages, their callbacks and the outgoing webhook are in it', () => {
  const { post } = document.paths['/v1/webhook']
  assert.deepEqual(
    post.requestBody.content['application/json'].schema.oneOf.map((each: Any) => each.$ref.split('/').at(-1)),
    ['AssignmentMessage', 'CancellationMessage', 'HeartbeatMessage'],
  )
  const callback = post.callbacks.verdict['{$request.body#/data/callback_url}'].post
  for (const operation of [callback, document.webhooks.callback.post]) {
    assert.deepEqual(Object.keys(operation.requestBody.content['application/json'].examples), [
      'started',
      'completed',
      'cancelled',
      'failed',
    ])
    assert.deepEqual(
      operation.parameters.map((parameter: Any) => parameter.name),
      ['webhook-id', 'webhook-timestamp', 'webhook-signature', 'traceparent'],
    )
  }
})
