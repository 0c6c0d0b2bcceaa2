// Part of `npm run docs`: writes docs/reasons.md.
import { writeFileSync } from 'node:fs'
import { reasonsReference } from './reasons-reference-text.ts'

writeFileSync(new URL('../docs/reasons.md', import.meta.url), reasonsReference())
console.error('docs/reasons.md written')
