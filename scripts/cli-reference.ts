// Part of `npm run docs`: writes docs/cli.md.
import { writeFileSync } from 'node:fs'
import { cliReference } from './cli-reference-text.ts'

writeFileSync(new URL('../docs/cli.md', import.meta.url), await cliReference())
console.error('docs/cli.md written')
