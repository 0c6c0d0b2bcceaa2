// docs/metrics.md from src/lib/metrics.ts: every metric with its labels, and what each label may say.
import { createMetrics, LABELS } from '../src/lib/metrics.ts'

/** As prom-client keeps them; its types show less. */
interface Declared {
  name: string
  help: string
  type: string
  labelNames: string[]
  upperBounds?: number[]
}

/** Of jobhook's own metrics, in the order they are declared in. */
export function declaredMetrics(): Declared[] {
  const all = createMetrics().registry.getMetricsAsArray() as unknown as Declared[]
  return all.filter(({ name }) => name.startsWith('jobhook_'))
}

const INTRODUCTION = `# Metrics

Generated from src/lib/metrics.ts by \`npm run docs\`; do not edit.

\`GET /metrics\` on every replica, in Prometheus’ text format, without a token (close it by the network policy). Gauges that are read off the cache (\`jobhook_tasks\`,
\`jobhook_owed_verdicts\`, \`jobhook_dead_letters\`, …) say the same on every replica: take their \`max\`, not their sum. What only the leader does is counted there: \`sum\`.
Beside these there are the usual \`process_*\` and \`nodejs_*\` of the client library.

A dashboard and alert rules come with the chart ([chart/files](../chart/files)).
Names and labels are public: they change with a major version only.
`

export function metricsReference(): string {
  const rows = declaredMetrics().map(({ name, help, type, labelNames }) => {
    const labels = labelNames.map((label) => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${labels} | ${help.replaceAll('|', '\\|')} |\n`
  })
  const labels = Object.entries(LABELS).map(([name, { meaning }]) => `| \`${name}\` | ${meaning.replaceAll('|', '\\|')} |\n`)
  const buckets = new Set(declaredMetrics().flatMap(({ upperBounds }) => (upperBounds ? [upperBounds.join(', ')] : [])))
  return `${INTRODUCTION}
| metric | type | labels | meaning |
|---|---|---|---|
${rows.join('')}
## Labels

Bounded, all of them: no id, name, path or text from outside is ever a label’s value.

| label | values |
|---|---|
${labels.join('')}
Histograms have the buckets ${[...buckets].join('; or ')} (seconds).
`
}
