// `jobhook render`: an assignment in, the Secret and the Job it would become out, as YAML. Needs no cluster.
import { readFileSync } from 'node:fs'
import { parseDocument } from 'yaml'
import { createRender } from '../app/render.ts'
import { type Config, jobSpecOptions, settingsOf } from '../config/index.ts'
import { parseMessage } from '../intake/index.ts'
import { describeError } from '../lib/log.ts'
import type { Assignment } from '../model/assignment.ts'
import { readConfig } from './config.ts'
import { type Arguments, type CommandSpec, EXIT, runWith } from './options.ts'
import { printable } from './text.ts'

export const SPEC: CommandSpec = {
  name: 'render',
  summary: 'Prints the Job and the Secret an assignment would become.',
  usage: 'FILE|- [--config FILE] [--show-secrets] [--json]',
  positionals: { min: 1, max: 1 },
  options: {
    config: { value: 'FILE', description: 'The configuration of the service, YAML. Absent: defaults, and the environment (JOBHOOK_…).' },
    'show-secrets': { description: 'Prints the values of the Secret instead of ********.' },
    json: { description: 'Prints a Kubernetes List as JSON instead of YAML; warnings go to standard error.' },
  },
  notes: [
    'FILE holds an assignment message ({"type": "task_assignment", "data": {…}}) or its data alone, as JSON or YAML; - reads standard input.',
    'The same input gives the same text, so that two configurations can be compared:\n  diff <(jobhook render task.json --config old.yaml) <(jobhook render task.json --config new.yaml)',
    'To see what the cluster makes of it: jobhook render task.json --config jobhook.yaml --show-secrets | kubectl create --dry-run=server -f -',
  ],
}

/** The worker of a rendering without a configuration. */
const EXAMPLE_WORKER = 'example'

export function render(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => print(args))
}

function print(args: Arguments): number {
  const file = args.text('config') ?? null
  const loaded = readConfig({ file, ...(file === null ? { content: { worker_id: EXAMPLE_WORKER } } : {}), env: process.env })
  if (!loaded) return EXIT.failed
  const source = args.positionals[0] ?? '-'
  const read = readAssignment(source)
  if (!read.ok) return refuse(source, read.problems)
  const rendered = createRender(loaded.config, specWithoutCluster(loaded.config))(read.assignment, {
    showSecrets: args.has('show-secrets'),
  })
  if (!rendered.ok)
    return refuse(
      source,
      rendered.errors.map(({ pointer, detail }) => `${read.place(pointer)} ${detail}`),
    )
  if (args.has('json')) {
    process.stdout.write(`${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: rendered.items }, null, 2)}\n`)
    for (const warning of rendered.warnings) process.stderr.write(`warning: ${printable(warning)}\n`)
  } else process.stdout.write(rendered.yaml)
  return EXIT.ok
}

/** Where the configuration names no namespace, the cluster's own default would decide; without a cluster that is `default`. */
function specWithoutCluster(config: Config) {
  const settings = settingsOf(config)
  return jobSpecOptions(config, settings, settings.namespace ?? 'default', process.env)
}

type Read = { ok: true; assignment: Assignment; place: (pointer: string) => string } | { ok: false; problems: string[] }

function readAssignment(source: string): Read {
  let text: string
  try {
    text = readFileSync(source === '-' ? 0 : source, 'utf8')
  } catch (error) {
    return { ok: false, problems: [`cannot be read: ${describeError(error)}`] }
  }
  const parsedText = parseText(text)
  if (!parsedText.ok) return { ok: false, problems: [parsedText.problem] }
  const { value } = parsedText
  const isMessage = typeof value === 'object' && value !== null && 'type' in value && 'data' in value
  // In a file with the data alone there is no /data to point into.
  const place = (pointer: string): string => (isMessage ? pointer : pointer.replace(/^\/data/, '')) || 'the assignment'
  const parsed = parseMessage(isMessage ? value : { type: 'task_assignment', data: value })
  if (!parsed.ok) {
    const errors = parsed.refusal.errors ?? []
    return {
      ok: false,
      problems: errors.length > 0 ? errors.map((each) => `${place(each.pointer)} ${each.detail}`) : [parsed.refusal.detail],
    }
  }
  if (parsed.value.type !== 'task_assignment') {
    return { ok: false, problems: [`/type is ${parsed.value.type}: only a task_assignment becomes a Job`] }
  }
  return { ok: true, assignment: parsed.value.data, place }
}

/** JSON first: the YAML parser would read the same, but tell syntax errors worse. Its own words quote the text, which may hold secrets. */
function parseText(text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  const looksLikeJson = /^\s*[{[]/.test(text)
  try {
    if (looksLikeJson) return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    // YAML's flow style begins with a bracket too.
  }
  const document = parseDocument(text, { prettyErrors: false })
  const [error] = document.errors
  if (!error) return { ok: true, value: document.toJS({ maxAliasCount: 100 }) as unknown }
  const line = text.slice(0, error.pos[0]).split('\n').length
  return { ok: false, problem: `is not ${looksLikeJson ? 'JSON' : 'YAML'}: there is a syntax error in line ${line} (${error.code})` }
}

function refuse(source: string, problems: readonly string[]): number {
  const name = source === '-' ? 'standard input' : source
  process.stderr.write(
    `jobhook render: ${printable(name)} cannot become a Job:\n${problems.map((problem) => `  ${printable(problem)}\n`).join('')}`,
  )
  return EXIT.failed
}
