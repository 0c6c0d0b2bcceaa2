// `npm run docs`: writes docs/configuration.md from the configuration schema.
import { writeFileSync } from 'node:fs'
import { configReference } from './config-reference-text.ts'

writeFileSync(new URL('../docs/configuration.md', import.meta.url), configReference())
console.error('docs/configuration.md written')
