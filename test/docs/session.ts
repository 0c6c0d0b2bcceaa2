// A page's reader: one bash in a folder that looks like a checkout, into which its blocks are typed one after the other. Ports are mapped, so that
// 8080 may be in use; nothing of the person's own settings is seen.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Block, isShell, type Page, ROOT } from './pages.ts'

const BLOCK_DEADLINE_MS = 240_000
const OUTPUT_DEADLINE_MS = 60_000
const POLL_MS = 50
/** Where a page says nothing else: jobhook's and listen's defaults, which the stand-ins below map. */
const DEFAULT_PORTS = ['8080', '9000']

/** Runs every block of the page that `chosen` picks, in order; throws at the first that does not do what the page says. */
export async function runPage(
  page: Page,
  chosen: (block: Block) => boolean,
  env: Record<string, string>,
  onOutput: (text: string) => void = () => undefined,
): Promise<void> {
  const session = await startSession(page, env, onOutput)
  try {
    let before = 0
    for (const block of page.blocks) {
      if (block.isOutput && chosen(block)) await session.expect(block, before)
      if (!isShell(block) || !chosen(block)) continue
      before = session.output().length
      for (const text of block.setup) await session.type(block, text, 0)
      await session.type(block, block.text, block.exitCode)
    }
  } finally {
    await session.close()
  }
}

async function startSession(page: Page, env: Record<string, string>, onOutput: (text: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-docs-'))
  const checkout = join(folder, 'checkout')
  mkdirSync(checkout)
  for (const name of readdirSync(ROOT)) if (name !== '.git') symlinkSync(join(ROOT, name), join(checkout, name))
  const ports = await mapPorts(page)
  const mapped = (text: string): string => text.replace(PORT, (_all, before: string, port: string) => `${before}${ports.get(port) ?? port}`)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  const jobhook = `#!/bin/sh
case "$1 $*" in
  "listen "*--port*) ;;
  "listen "*) shift; set -- listen --port ${ports.get('9000')} "$@" ;;
esac
exec "${process.execPath}" "${join(ROOT, 'src/main.ts')}" "$@"
`
  script(join(bin, 'jobhook'), jobhook)
  // npx itself takes a second for each call; what it would find is tested in test/cli/command-line.test.ts.
  script(
    join(bin, 'npx'),
    `#!/bin/sh\n[ "$1" = jobhook ] || { echo "npx $1: only npx jobhook is known here" >&2; exit 1; }\nshift\nexec "${bin}/jobhook" "$@"\n`,
  )
  script(join(bin, 'helm'), '#!/bin/sh\nexec "${REAL_HELM:?helm is not built here}" "$@"\n')
  script(join(bin, 'dry-helm'), '#!/bin/sh\nexec "${REAL_HELM:?helm is not built here}" "$@" --dry-run=server\n')

  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(JOBHOOK_|XDG_|KUBECONFIG|WEBHOOK_SECRET|NODE_TEST|NO_COLOR|FORCE_COLOR)/.test(name),
  )
  const served = [...page.text.matchAll(/^\s*listen: \S+?:(\d+)/gm)].map(([, port = '']) => port)
  const ownListen = served.length > 0
  if (!ownListen) served.push('8080')
  const environment = {
    ...(Object.fromEntries(inherited) as Record<string, string>),
    ...env,
    HOME: folder,
    PATH: `${bin}:${join(ROOT, 'node_modules/.bin')}:${process.env.PATH}`,
    NODE_COMPILE_CACHE: join(ROOT, 'node_modules/.cache/docs'), // dozens of short processes run the same files
    JOBHOOK_URL: `http://127.0.0.1:${ports.get('8080')}`,
    ...(ownListen ? {} : { JOBHOOK_LISTEN: `127.0.0.1:${ports.get('8080')}` }),
  }
  const child = spawn('bash', ['--noprofile', '--norc'], {
    cwd: checkout,
    detached: true, // a process group of its own, so that what it leaves running can be ended
    stdio: ['pipe', 'pipe', 'pipe'],
    env: environment,
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      onOutput(text)
    })
  child.stdin.on('error', () => undefined)
  let typed = 0

  const fail = (block: Block, problem: string, from: number): never => {
    throw new Error(
      `${page.path}:${block.line}: ${problem}\n--- the block ---\n${block.text}\n--- printed since ---\n${output.slice(from)}`,
    )
  }

  return {
    output: () => output,

    /** Types a block and waits until its foreground commands have ended and what it started in the background is ready. */
    async type(block: Block, text: string, exitCode: number): Promise<void> {
      const from = output.length
      const file = join(folder, `block-${++typed}.sh`)
      const failing = exitCode !== 0
      writeFileSync(file, mapped(block.dryRun ? text.replace(/^(\s*)helm /gm, '$1dry-helm ') : text))
      // A person would stop at the first command that fails; the last one of a block that should fail decides.
      child.stdin.write(
        `${failing ? 'set +e' : 'set -e'}; set -o pipefail; source ${file} </dev/null; code=$?; set +e; printf '\\n::end %s %s::\\n' ${typed} $code\n`,
      )
      const end = new RegExp(`\\n::end ${typed} (\\d+)::\\n`)
      const found = await waitFor(() => end.exec(output) ?? (child.exitCode === null ? null : 'ended'), BLOCK_DEADLINE_MS)
      if (found === null) return fail(block, `did not end within ${BLOCK_DEADLINE_MS / 1000} s`, from)
      if (found === 'ended') return fail(block, `a command failed (${child.exitCode})`, from)
      if (Number(found[1]) !== exitCode) return fail(block, `ended with ${found[1]} instead of ${exitCode}`, from)
      if (
        /(jobhook|main\.ts) serve\b(?!.*--check).*&\s*(#.*)?$/m.test(text) &&
        !(await waitFor(() => ready(served.map((port) => ports.get(port) ?? 0)), OUTPUT_DEADLINE_MS))
      )
        return fail(block, 'the service did not become ready', from)
      if (
        /jobhook listen\b.*&\s*(#.*)?$/m.test(text) &&
        !(await waitFor(() => output.slice(from).includes('listening on') || null, OUTPUT_DEADLINE_MS))
      )
        return fail(block, 'listen did not start', from)
    },

    /** Every line of the block must have been printed since, in this order; … stands for anything. Background processes may need a moment. */
    async expect(block: Block, from: number): Promise<void> {
      const wanted = mapped(block.text).split('\n')
      const missing = (): string | null => missingLine(wanted, output.slice(from))
      if ((await waitFor(() => missing() === null || null, OUTPUT_DEADLINE_MS)) === null)
        fail(block, `this line was not printed (after those before it): ${missing()}`, from)
    },

    async close(): Promise<void> {
      child.stdin.end()
      await endGroup(child)
      // A shell of its own: the page's may have ended at a command that failed.
      for (const text of page.last) spawnSync('bash', ['-c', text], { cwd: checkout, env: environment, stdio: 'ignore' })
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** The first line that is not printed after those before it, or null. */
export function missingLine(wanted: readonly string[], printed: string): string | null {
  let rest = printed.split('\n').map(spaced)
  for (const line of wanted) {
    if (line.trim() === '' || line.trim() === '…') continue
    const pattern = new RegExp(`^${spaced(line).split('…').map(literal).join('.*')}$`)
    const at = rest.findIndex((each) => pattern.test(each))
    if (at < 0) return line
    rest = rest.slice(at + 1)
  }
  return null
}

/** Columns move with what is in them. */
const spaced = (line: string): string => line.trim().replace(/\s+/g, ' ')
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

const PORT = /((?:127\.0\.0\.1|localhost):|--port[ =])(\d{4,5})\b/g

async function mapPorts(page: Page): Promise<Map<string, number>> {
  const named = [...page.text.matchAll(PORT)].map(([, , port = '']) => port)
  const servers = [...new Set([...DEFAULT_PORTS, ...named])].map((port) => ({ port, server: createServer().listen(0, '127.0.0.1') }))
  await Promise.all(servers.map(({ server }) => once(server, 'listening')))
  const ports = new Map(servers.map(({ port, server }) => [port, (server.address() as AddressInfo).port]))
  await Promise.all(servers.map(({ server }) => new Promise((resolve) => server.close(resolve))))
  return ports
}

async function ready(ports: readonly number[]): Promise<true | null> {
  for (const port of ports) {
    const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(1_000) }).catch(() => null)
    if (answer?.status === 200) return true
  }
  return null
}

async function waitFor<T>(look: () => T | null | Promise<T | null>, deadlineMs: number): Promise<T | null> {
  const endMs = Date.now() + deadlineMs
  for (;;) {
    const found = await look()
    if (found !== null || Date.now() > endMs) return found
    await delay(POLL_MS)
  }
}

/** TERM for bash and everything it started, then KILL. */
async function endGroup(child: ChildProcess): Promise<void> {
  const group = child.pid
  if (group === undefined) return
  const signal = (name: NodeJS.Signals | 0): boolean => {
    try {
      return process.kill(-group, name)
    } catch {
      return false // nobody is left
    }
  }
  signal('SIGTERM')
  await delay(4 * POLL_MS)
  signal('SIGTERM') // a second one cuts jobhook’s drain short
  const gone = await waitFor(() => (signal(0) ? null : true), 10_000)
  if (!gone) signal('SIGKILL')
}

function script(path: string, text: string): void {
  writeFileSync(path, text)
  chmodSync(path, 0o755)
}
