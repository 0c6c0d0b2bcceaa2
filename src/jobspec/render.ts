// The manifests as YAML for people and for kubectl apply: Secret first, then the Job. Secret values are masked unless asked for.
import { Document, isMap, isSeq, Scalar, visit } from 'yaml'
import { escapeUnprintable, UNPRINTABLE } from '../lib/printable.ts'
import { TASK_CONTAINER } from '../model/keys.ts'
import type { Built, EnvOrigin } from './options.ts'

const MASK = '********'

export function render(built: Built, options: { showSecrets: boolean }): string {
  const parts: string[] = []
  if (built.secret) {
    const { data, ...rest } = built.secret
    const decode = (value: string) => Buffer.from(value, 'base64').toString('utf8')
    const stringData = Object.fromEntries(
      Object.entries(data ?? {}).map(([key, value]) => [key, options.showSecrets ? decode(value) : MASK]),
    )
    parts.push(yaml({ ...rest, stringData }))
  }
  parts.push(yaml(built.job, built))
  const warnings = built.warnings.map((warning) => `# warning: ${oneLine(warning)}\n`).join('')
  return warnings + parts.join('---\n')
}

const ORIGINS: Record<EnvOrigin, string> = {
  profile: 'the profile',
  assignment: 'the assignment',
  configuration: 'the configuration',
  inherited: 'jobhook’s own environment',
  reserved: 'jobhook',
}

function yaml(manifest: object, built?: Built): string {
  // Strings are quoted as YAML 1.1 readers (kubectl among them) need it: yes, 012 and 1_000 must stay strings.
  const document = new Document(manifest, { version: '1.1', aliasDuplicateObjects: false })
  if (built) explainEnv(document, built)
  // Quoted now, escaped below: the library would write them as they are, and kubectl refuses them.
  visit(document, {
    Scalar(_key, node) {
      if (typeof node.value === 'string' && UNPRINTABLE.test(node.value)) node.type = Scalar.QUOTE_DOUBLE
    },
  })
  return escapeUnprintable(document.toString({ lineWidth: 0, blockQuote: 'literal', directives: false }))
}

/** A comment on each variable of the task's container: where its value comes from, and what it wins over. */
function explainEnv(document: Document, built: Built): void {
  const containers = document.getIn(['spec', 'template', 'spec', 'containers'])
  if (!isSeq(containers)) return
  const task = containers.items.find((item) => isMap(item) && item.get('name') === TASK_CONTAINER)
  const env = isMap(task) ? task.get('env') : undefined
  if (!isSeq(env)) return
  for (const item of env.items) {
    if (!isMap(item)) continue
    const source = built.env.find(({ name }) => name === item.get('name'))
    if (!source) continue
    const over = source.overrides.length > 0 ? `, over ${source.overrides.map((origin) => ORIGINS[origin]).join(' and ')}` : ''
    item.commentBefore = ` from ${ORIGINS[source.from]}${over}`
  }
}

function oneLine(text: string): string {
  return text.replace(new RegExp(`(?:\\s|${UNPRINTABLE.source})+`, 'gu'), ' ')
}
