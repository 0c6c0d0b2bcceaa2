// Builds the tools that the cache does not hold yet, one at a time, with progress. Which tools and flags: tools.ts.
import { spawn, spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { acquireLock, releaseLock } from './lock.ts'
import { self } from './process-id.ts'
import { type Report, seconds } from './report.ts'
import { type BuildPlan, buildFlags, planBuilds, type Tool } from './tools.ts'

export type ToolPaths = (tool: Tool) => string

export interface BuildDeps {
  report: Report
  signal: AbortSignal
  /** Told of each compiler process, the leader of its group. */
  onStart?: (pid: number) => void
}

const cacheFolder = (): string => join(process.env.JOBHOOK_CACHE ?? join(homedir(), '.cache', 'jobhook'), 'tools')

/** Where a tool is if the cache holds it, else null. Builds nothing. */
export function builtTool(tool: Tool): string | null {
  const path = planBuilds([tool]).map((plan) => join(cacheFolder(), plan.cacheName, plan.tool))[0]
  return path !== undefined && existsSync(path) ? path : null
}

/** @returns where each wanted tool is; @throws Error with the remedy when Go is missing, too old, or the build fails */
export async function buildTools(wanted: Tool[], deps: BuildDeps): Promise<ToolPaths> {
  const plans = planBuilds(wanted)
  const cache = cacheFolder()
  const pathOf = (plan: BuildPlan) => join(cache, plan.cacheName, plan.tool)
  const missing = () => plans.filter((plan) => !existsSync(pathOf(plan)))
  if (missing().length > 0) await buildMissing(cache, missing, pathOf, deps)
  const paths = new Map(plans.map((plan) => [plan.tool, pathOf(plan)]))
  return (tool) => {
    const path = paths.get(tool)
    if (path === undefined) throw new Error(`${tool} was not asked for`)
    return path
  }
}

async function buildMissing(
  cache: string,
  missing: () => BuildPlan[],
  pathOf: (plan: BuildPlan) => string,
  deps: BuildDeps,
): Promise<void> {
  const { report, signal } = deps
  let quiet = () => {}
  const lock = join(cache, 'build.lock')
  await acquireLock(lock, 'a build', {
    signal,
    onWait(holder) {
      const line = `waiting for another run that builds (pid ${holder.pid})`
      report.say(line)
      quiet = report.heartbeat(line)
    },
  }).finally(() => quiet())
  // Of its own, because an interrupted Go leaves its work folder behind; what a killed run left goes too.
  const workFolder = join(cache, 'work')
  try {
    rmSync(workFolder, { recursive: true, force: true })
    mkdirSync(workFolder)
    const plans = missing() // what the other run has not built
    if (plans.length === 0) return
    const go = checkGo(plans)
    report.say(`building ${plans.length} tools with ${go} into ${cache}, once; all nine take 8 to 13 minutes on 2 cores`)
    for (const [index, plan] of plans.entries()) {
      const what = `building ${plan.tool} (${index + 1} of ${plans.length})`
      report.say(what)
      const stopHeartbeat = report.heartbeat(what)
      const started = performance.now()
      await buildOne(plan, pathOf(plan), workFolder, deps).finally(stopHeartbeat)
      report.say(`built ${plan.tool} in ${seconds(performance.now() - started, 0)}`)
    }
  } finally {
    rmSync(workFolder, { recursive: true, force: true })
    releaseLock(lock, [self()])
  }
}

/** Asks in the module's folder, where a Go that may fetch newer toolchains answers with the one it will use. */
function checkGo(plans: BuildPlan[]): string {
  const remedy =
    'Install it from https://go.dev/dl, or set KUBEBUILDER_ASSETS or TEST_KUBECONFIG (test/cluster/README.md) to do without a build.'
  for (const folder of new Set(plans.map((plan) => plan.moduleFolder))) {
    const wanted = /^go (\S+)/m.exec(readFileSync(join(folder, 'go.mod'), 'utf8'))?.[1] ?? ''
    const go = spawnSync('go', ['env', 'GOVERSION'], { cwd: folder, encoding: 'utf8', env: goEnvironment() })
    if (go.error) throw new Error(`Go ${wanted} or newer is needed to build Kubernetes, and "go" is not in the PATH. ${remedy}`)
    const version = go.stdout.trim()
    if (go.status !== 0 || isOlder(version.replace('go', ''), wanted)) {
      throw new Error(
        `Go ${wanted} or newer is needed to build Kubernetes; the one in the PATH says: ${version || go.stderr.trim()}. ${remedy}`,
      )
    }
  }
  return spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' }).stdout.trim()
}

function isOlder(version: string, wanted: string): boolean {
  const [a, b] = [version, wanted].map((text) => text.split('.').map((part) => Number.parseInt(part, 10) || 0))
  for (const index of [0, 1, 2]) {
    const difference = (a?.[index] ?? 0) - (b?.[index] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}

/** CGO off: static binaries, and no C compiler is needed. A person's own GOFLAGS or go.work must not change what is built. */
function goEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, CGO_ENABLED: '0', GOFLAGS: '-mod=readonly', GOWORK: 'off' }
}

/** Built under another name and then renamed: what has its name in the cache is whole. */
async function buildOne(plan: BuildPlan, target: string, workFolder: string, { signal, onStart }: BuildDeps): Promise<void> {
  const folder = join(target, '..')
  mkdirSync(folder, { recursive: true })
  const unfinished = join(workFolder, plan.tool)
  const log = join(folder, `${plan.tool}.build.log`)
  const output = openSync(log, 'w')
  const args = ['build', ...buildFlags, '-ldflags', plan.linkerFlags, '-o', unfinished, plan.path]
  const child = spawn('go', args, {
    cwd: plan.moduleFolder,
    env: { ...goEnvironment(), GOTMPDIR: workFolder },
    stdio: ['ignore', output, output],
    detached: true,
  })
  closeSync(output)
  if (child.pid !== undefined) onStart?.(child.pid)
  // Its own process group, so that the compilers end with it.
  const interrupt = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT')
    } catch {
      // it has just ended
    }
  }
  signal.addEventListener('abort', interrupt, { once: true })
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  signal.removeEventListener('abort', interrupt)
  if (code === 0 && !signal.aborted) return renameSync(unfinished, target)
  rmSync(unfinished, { force: true })
  signal.throwIfAborted()
  const tail = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-15).join('\n')
  throw new Error(`go build of ${plan.tool} failed (${log}):\n${tail}`)
}
