// The chart's generated files are what the schemas say, and what it names exists. Needs neither helm nor a cluster.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { chartFiles } from '../../scripts/chart-text.ts'
import { createMetrics } from '../../src/lib/metrics.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

for (const [path, text] of Object.entries(chartFiles())) {
  test(`${path} is what "npm run chart" writes`, () => {
    assert.equal(read(path), text)
  })
}

test('the chart and the package are of the same version', () => {
  const { version, appVersion } = parse(read('chart/Chart.yaml')) as { version: string; appVersion: string }
  const expected = (JSON.parse(read('package.json')) as { version: string }).version
  assert.deepEqual([version, appVersion], [expected, expected])
})

for (const path of ['chart/files/alerts.yaml', 'chart/files/dashboard.json']) {
  test(`every metric in ${path} is one that jobhook exposes`, async () => {
    const exposed = await createMetrics().registry.getMetricsAsJSON()
    const known = new Set(exposed.flatMap(({ name }) => [name, `${name}_bucket`, `${name}_sum`, `${name}_count`]))
    const named = new Set(read(path).match(/\b(jobhook|process)_[a-z_]+/g))
    assert.ok(named.size > 3)
    assert.deepEqual(
      [...named].filter((name) => !known.has(name)),
      [],
    )
  })
}
