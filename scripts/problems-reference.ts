// Part of `npm run docs`: writes docs/problems.md.
import { writeFileSync } from 'node:fs'
import { problemsReference } from './problems-reference-text.ts'

writeFileSync(new URL('../docs/problems.md', import.meta.url), problemsReference())
console.error('docs/problems.md written')
