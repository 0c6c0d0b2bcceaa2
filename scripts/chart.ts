// `npm run chart`: writes the generated files of the chart. With --check: fails when a committed file differs.
import { readFileSync, writeFileSync } from 'node:fs'
import { chartFiles } from './chart-text.ts'

const root = new URL('../', import.meta.url)
const check = process.argv.includes('--check')
for (const [path, text] of Object.entries(chartFiles())) {
  const file = new URL(path, root)
  if (!check) writeFileSync(file, text)
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`${path} is not what scripts/chart-values.ts and the configuration's schema say: run "npm run chart" and commit it`)
    process.exitCode = 1
  }
}
if (!check) console.error('chart: values.yaml, values.schema.json and README.md written')
