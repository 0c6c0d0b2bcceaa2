// `jobhook sign`: signs a file's bytes and prints the curl command that sends exactly these bytes. It sends nothing itself.
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { createSigner, DEFAULT_TOLERANCE_SECONDS, idProblem } from '../lib/standard-webhooks.ts'
import { DEFAULT_URL } from './client.ts'
import { type Arguments, type CommandSpec, EXIT, readInteger, runWith, usageError } from './options.ts'
import { readSecrets, secretOption } from './secrets.ts'

const WEBHOOK_PATH = '/v1/webhook'
/** Linux takes no single argument of 128 KiB or more. */
const LONGEST_ARGUMENT_BYTES = 100_000

export const SPEC: CommandSpec = {
  name: 'sign',
  summary: 'Signs a message (Standard Webhooks) and prints the curl command that sends it.',
  usage: 'FILE|- --secret KEY [--url URL] [--id ID] [--timestamp SECONDS] [--json]',
  positionals: { min: 1, max: 1 },
  options: {
    secret: secretOption('whsec_… (shared secret) or whsk_… (private ed25519 key)'),
    url: { value: 'URL', description: `Where curl sends it. Default ${WEBHOOK_PATH} of JOBHOOK_URL, or of ${DEFAULT_URL}` },
    id: { value: 'ID', description: 'webhook-id; the same for every delivery of one message. Default: a random one.' },
    timestamp: { value: 'SECONDS', description: 'webhook-timestamp, seconds since 1970. Default: now.' },
    json: { description: 'Prints {"url", "headers"} instead of a curl command; the body is the file as it is.' },
  },
  notes: [
    `Signed is exactly {webhook-id}.{webhook-timestamp}.{raw body}. Receivers refuse a timestamp more than ${DEFAULT_TOLERANCE_SECONDS} s from their clock: run the command soon.`,
    'Example: jobhook sign task.json --secret "$(cat webhook-secret)" | sh',
  ],
}

export function sign(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const secrets = readSecrets(args, 'sign', process.env)
    if (!secrets.ok) return usageError(SPEC, secrets.problem)
    const request = readRequest(args)
    if ('problem' in request) return usageError(SPEC, request.problem)
    const file = args.positionals[0] ?? '-'
    let body: Buffer
    try {
      body = file === '-' ? await buffer(process.stdin) : await readFile(file)
    } catch (error) {
      process.stderr.write(
        `jobhook sign: cannot read ${file === '-' ? 'standard input' : file}: ${error instanceof Error ? error.message : String(error)}\n`,
      )
      return EXIT.failed
    }
    const signature = createSigner(secrets.secrets).sign(request.id, request.timestampSeconds, body)
    const headers = headersOf(request, signature)
    if (args.has('json')) {
      process.stdout.write(`${JSON.stringify({ url: request.url, headers })}\n`)
      return EXIT.ok
    }
    process.stdout.write(curlCommand(request.url, headers, bodyArguments(file, body)))
    if (file === '-' && inlineText(body) === null) process.stderr.write('jobhook sign: feed the same bytes to curl on its standard input\n')
    return EXIT.ok
  })
}

interface Request {
  url: string
  id: string
  timestampSeconds: number
}

function readRequest(args: Arguments): Request | { problem: string } {
  const url = args.text('url') ?? (process.env.JOBHOOK_URL || DEFAULT_URL).replace(/\/+$/, '') + WEBHOOK_PATH
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    return { problem: '--url (or JOBHOOK_URL) must be a URL that begins with http:// or https://' }
  const id = args.text('id') ?? `msg_${randomUUID().replaceAll('-', '')}`
  const wrongId = idProblem(id)
  if (wrongId) return { problem: `--id: ${wrongId}` }
  const given = args.text('timestamp')
  const timestampSeconds = given === undefined ? Math.floor(Date.now() / 1000) : readInteger(given, 0, 99_999_999_999)
  if (timestampSeconds === null) return { problem: '--timestamp must be whole seconds since 1970, digits only' }
  return { url, id, timestampSeconds }
}

function headersOf(request: Request, signature: string): Record<string, string> {
  return {
    'content-type': 'application/json',
    'webhook-id': request.id,
    'webhook-timestamp': String(request.timestampSeconds),
    'webhook-signature': signature,
  }
}

/** A shell command of one line an argument; `body` is curl's argument pair for the body. */
function curlCommand(url: string, headers: Record<string, string>, body: [string, string]): string {
  const lines = [
    // A problem or a claim has no line end of its own, and a prompt would follow on its line.
    `curl -sS -i -w '\\n' ${quote(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    body.map((part, index) => (index === 0 ? part : quote(part))).join(' '),
  ]
  return `${lines.join(' \\\n  ')}\n`
}

/** --data-binary sends a file's bytes as they are (--data would drop line breaks); what came by standard input is written into the command if it is text. */
function bodyArguments(file: string, body: Buffer): [string, string] {
  if (file !== '-') return ['--data-binary', `@${file}`]
  const text = inlineText(body)
  return text === null ? ['--data-binary', '@-'] : ['--data-raw', text]
}

function inlineText(body: Buffer): string | null {
  const text = body.toString()
  return body.length <= LONGEST_ARGUMENT_BYTES && !body.includes(0) && Buffer.from(text).equals(body) ? text : null
}

/** One word for a POSIX shell. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
