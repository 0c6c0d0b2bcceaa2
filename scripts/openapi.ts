// `npm run openapi`: writes openapi.yaml from the schemas. With --check: fails when the committed file differs.
import { readFileSync, writeFileSync } from 'node:fs'
import { openapiText } from './openapi-text.ts'

const file = new URL('../openapi.yaml', import.meta.url)
const text = await openapiText()
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== text) {
    console.error('openapi.yaml is not what the schemas say: run "npm run openapi" and commit it')
    process.exit(1)
  }
} else {
  writeFileSync(file, text)
  console.error('openapi.yaml written')
}
