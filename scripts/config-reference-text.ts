// The configuration reference: one table a section, made from the schema's own descriptions, types, bounds and defaults.
import type { TSchema } from '@sinclair/typebox'
import { ConfigSchema } from '../src/config/index.ts'

const INTRODUCTION = `# Configuration

Generated from the schema by \`npm run docs\`; do not edit.

\`jobhook serve --config FILE\` reads YAML. Environment variables go before the file: \`JOBHOOK_\` and the path with \`__\` between levels
(\`JOBHOOK_CALLBACK__URL\`), lists and mappings as YAML. Options of the command line go before both. \`jobhook serve --check --config FILE\` says what a file means.
Where a string may be a secret it may also be \`{file: PATH}\` or \`{env: NAME}\`. An unknown key is an error that names the nearest known one.
Five files to start from: [examples/configs](../examples/configs).
`

export function configReference(): string {
  const sections: string[] = []
  const rows: string[] = []
  for (const [name, schema] of membersOf(ConfigSchema)) {
    if (membersOf(schema).length > 0) sections.push(section(name, schema, 2))
    else rows.push(row(name, schema, isRequired(ConfigSchema, name)))
  }
  return `${INTRODUCTION}\n## Top level\n\n${table(rows)}\n${sections.join('\n')}`
}

function section(path: string, schema: TSchema, depth: number): string {
  const rows: string[] = []
  const deeper: string[] = []
  for (const [name, member] of membersOf(schema)) {
    const items = member.type === 'array' && member.items ? membersOf(member.items) : []
    if (membersOf(member).length > 0 && member.additionalProperties === false) deeper.push(section(`${path}.${name}`, member, depth + 1))
    else {
      rows.push(row(name, member, isRequired(schema, name)))
      for (const [field, item] of items) rows.push(row(`${name}[].${field}`, item, isRequired(member.items, field)))
    }
  }
  const heading = `${'#'.repeat(depth)} ${path}\n\n${schema.description ?? ''}\n`
  return `${heading}${rows.length > 0 ? `\n${table(rows)}` : ''}${deeper.map((text) => `\n${text}`).join('')}`
}

function row(name: string, schema: TSchema, required: boolean): string {
  const fallback = required ? 'required' : schema.default === undefined ? '' : code(JSON.stringify(schema.default))
  return `| \`${name}\` | ${typeText(schema)} | ${fallback} | ${(schema.description ?? '').replaceAll('|', '\\|')} |\n`
}

function table(rows: string[]): string {
  return `| key | type | default | meaning |\n|---|---|---|---|\n${rows.join('')}`
}

function typeText(schema: TSchema): string {
  if (schema['x-reference']) return 'string or reference'
  if (Array.isArray(schema.anyOf)) {
    const branches = schema.anyOf as TSchema[]
    if (branches.every((branch) => 'const' in branch)) return branches.map((branch) => code(String(branch.const))).join(', ')
    if (branches.some((branch) => String(branch.pattern).includes('ms|s|m|h|d'))) return 'duration'
    return [...new Set(branches.map(typeText))].join(' or ')
  }
  if (schema.type === 'array') return `list of ${typeText(schema.items)}`
  const bounds = [
    schema.minimum === undefined ? null : `≥ ${schema.minimum}`,
    schema.maximum === undefined ? null : `≤ ${schema.maximum}`,
  ].filter((bound) => bound !== null)
  return `${schema.type ?? 'any'}${bounds.length > 0 ? ` ${bounds.join(', ')}` : ''}`
}

function membersOf(schema: TSchema): [string, TSchema][] {
  return schema.type === 'object' && schema.properties ? Object.entries(schema.properties as Record<string, TSchema>) : []
}

function isRequired(schema: TSchema, name: string): boolean {
  const member = (schema.properties as Record<string, TSchema>)[name]
  return Array.isArray(schema.required) && schema.required.includes(name) && member?.default === undefined
}

function code(text: string): string {
  return `\`${text.replaceAll('|', '\\|')}\``
}
