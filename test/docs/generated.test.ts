// What is generated and committed is what the schemas say now.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { parse } from 'yaml'
import { cliReference } from '../../scripts/cli-reference-text.ts'
import { configReference } from '../../scripts/config-reference-text.ts'
import { metricsReference } from '../../scripts/metrics-reference-text.ts'
import { openapiText } from '../../scripts/openapi-text.ts'
import { problemsReference } from '../../scripts/problems-reference-text.ts'
import { reasonsReference } from '../../scripts/reasons-reference-text.ts'

const ROOT = join(import.meta.dirname, '../..')
const committed = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

test('openapi.yaml is what the schemas say (else: npm run openapi)', async () => {
  assert.equal(committed('openapi.yaml'), await openapiText())
})

test('openapi.yaml is valid OpenAPI 3.1', async () => {
  const result = await new Validator().validate(parse(committed('openapi.yaml')))
  assert.deepEqual(result.errors ?? [], [])
  assert.equal(result.valid, true)
})

test('openapi.yaml describes the webhook, its callbacks and every REST route', () => {
  const document = parse(committed('openapi.yaml'))
  for (const path of ['/v1/webhook', '/v1/tasks', '/v1/tasks/{id}', '/livez', '/readyz', '/metrics'])
    assert.ok(path in document.paths, path)
  assert.ok(document.webhooks.callback.post.requestBody)
  assert.equal(document.paths['/v1/webhook'].post.requestBody.content['application/json'].schema.oneOf.length, 3)
})

test('docs/configuration.md is what the schema says (else: npm run docs)', () => {
  assert.equal(committed('docs/configuration.md'), configReference())
})

test('docs/reasons.md is what the table says (else: npm run docs)', () => {
  assert.equal(committed('docs/reasons.md'), reasonsReference())
})

test('docs/problems.md is what the table says (else: npm run docs)', () => {
  assert.equal(committed('docs/problems.md'), problemsReference())
})

test('docs/cli.md is what the table of commands says (else: npm run docs)', async () => {
  assert.equal(committed('docs/cli.md'), await cliReference())
})

test('docs/metrics.md is what src/lib/metrics.ts says (else: npm run docs)', () => {
  assert.equal(committed('docs/metrics.md'), metricsReference())
})
