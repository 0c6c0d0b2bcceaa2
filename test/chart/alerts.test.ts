// Alert rules and dashboard name only metrics, labels and pages that exist. What the rules mean is tested by promtool: alerts.cluster.test.ts.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { declaredMetrics } from '../../scripts/metrics-reference-text.ts'
import { createMetrics, LABELS } from '../../src/lib/metrics.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')

interface Rule {
  alert: string
  expr: string
  labels: { severity: string }
  annotations: { summary: string; description: string; runbook_url: string }
}
const rules: Rule[] = parse(read('chart/files/alerts.yaml')).groups[0].rules
const dashboard = JSON.parse(read('chart/files/dashboard.json')) as {
  templating: { list: { query: string }[] }
  panels: { id: number; title: string; type: string; targets?: { expr: string; legendFormat?: string }[] }[]
}
const queries = [
  ...rules.map(({ alert, expr }) => ({ where: alert, expr })),
  ...dashboard.panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ where: title, expr }))),
  ...dashboard.templating.list.map(({ query }) => ({ where: 'a variable of the dashboard', expr: query })),
]

/** Labels that the scrape adds; those of Prometheus' own. */
const SCRAPED = ['namespace', 'pod', 'le']
const registered = createMetrics().registry.getMetricsAsArray() as unknown as { name: string; type: string; labelNames: string[] }[]
const series = new Map(
  registered.flatMap(({ name, type, labelNames }) =>
    (type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]).map((each): [string, string[]] => [
      each,
      labelNames,
    ]),
  ),
)

test('every metric and every label in a rule or on the dashboard exists', () => {
  let checked = 0
  for (const { where, expr } of queries) {
    for (const [, name = '', , selector = ''] of expr.matchAll(/\b((?:jobhook|process|nodejs)_[a-z0-9_]+)(\{([^}]*)\})?/g)) {
      const labels = series.get(name)
      assert.ok(labels, `${where}: there is no metric ${name}`)
      for (const [, label = ''] of selector.matchAll(/([a-z_]+)\s*(?:=~|!~|!=|=)/g))
        assert.ok([...labels, ...SCRAPED].includes(label), `${where}: ${name} has no label ${label}`)
      checked++
    }
    for (const [, list = ''] of expr.matchAll(/\bby\s*\(([^)]*)\)/g))
      for (const label of list.split(',').map((text) => text.trim()))
        assert.ok(label in LABELS || SCRAPED.includes(label), `${where}: no metric has a label ${label}`)
  }
  assert.ok(checked > 40)
})

test('every metric that is declared is counted somewhere: an alert on one that never changes would be silent for ever', () => {
  const code = globSync('src/**/*.ts', { cwd: ROOT, exclude: (path) => path.endsWith('src/lib/metrics.ts') })
    .map(read)
    .join('\n')
  const { registry: _, ...metrics } = createMetrics()
  assert.deepEqual(
    Object.keys(metrics).filter((name) => !new RegExp(`\\.${name}\\b`).test(code)),
    [],
  )
})

test('every label of a metric is described and bounded, and no other is', () => {
  const used = new Set(declaredMetrics().flatMap(({ labelNames }) => labelNames))
  assert.deepEqual([...used].sort(), Object.keys(LABELS).sort())
})

test('every alert selects this release only, says how bad it is, and has a page; every page has an alert', () => {
  for (const { alert, expr, labels, annotations } of rules) {
    for (const [match] of expr.matchAll(/jobhook_[a-z_]+(\{[^}]*\})?/g)) assert.match(match, /\{SELECTOR/, alert)
    assert.match(labels.severity, /^(critical|warning)$/)
    assert.equal(annotations.runbook_url, `RUNBOOKS/${alert}.md`)
    const path = `docs/runbooks/${alert}.md`
    assert.ok(existsSync(join(ROOT, path)), `${path} is missing`)
    const page = read(path)
    for (const heading of ['What it means', 'Look first', 'How to fix it', 'When to wake somebody'])
      assert.match(page, new RegExp(`^## ${heading}$`, 'm'), `${path}: ${heading}`)
    assert.ok(page.includes(labels.severity), `${path} says that it is ${labels.severity}`)
  }
  const pages = globSync('docs/runbooks/*.md', { cwd: ROOT }).map((path) => path.replace(/^.*\/|\.md$/g, ''))
  assert.deepEqual(pages.filter((page) => page !== 'README').sort(), rules.map(({ alert }) => alert).sort())
})

test('every alert has a case in which it fires and one in which it must not', () => {
  const { tests } = parse(read('chart/files/alerts.test.yaml')) as {
    tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[]
  }
  const cases = tests.flatMap(({ alert_rule_test }) => alert_rule_test)
  for (const { alert } of rules) {
    const own = cases.filter(({ alertname }) => alertname === alert)
    assert.ok(own.some(({ exp_alerts }) => exp_alerts.length > 0) && own.some(({ exp_alerts }) => exp_alerts.length === 0), alert)
  }
})

test('every panel of the dashboard has an id of its own, and asks for something', () => {
  const ids = dashboard.panels.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length)
  for (const { title, type, targets } of dashboard.panels) assert.ok(type === 'row' || (targets?.length ?? 0) > 0, title)
})
