// Part of `npm run docs`: writes docs/metrics.md.
import { writeFileSync } from 'node:fs'
import { metricsReference } from './metrics-reference-text.ts'

writeFileSync(new URL('../docs/metrics.md', import.meta.url), metricsReference())
console.error('docs/metrics.md written')
