// `npm run test:cluster`: brings up a real Kubernetes, runs test files against it, and stops everything, however the run ends.
// What is started and how: harness/bring-up.ts. For contributors: README.md beside this file.
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { help, type Options, parseArguments } from './harness/arguments.ts'
import { bringUp } from './harness/bring-up.ts'
import { buildTools } from './harness/build.ts'
import { testEnvironment, writeShellFile } from './harness/environment.ts'
import { type Interrupt, watchSignals } from './harness/interrupt.ts'
import { createFolder, findLedgers, type LedgerFile, openLedger } from './harness/ledger.ts'
import { leaveLockToNode } from './harness/node/one-at-a-time.ts'
import { isRunning } from './harness/process-id.ts'
import { ComponentEnded, createProcesses, logTails, type Running } from './harness/processes.ts'
import { createReport, type Report, seconds } from './harness/report.ts'
import { stopCluster } from './harness/stop.ts'
import { findTestFiles, runTests } from './harness/test-run.ts'
import { everyTool, toolsOf } from './harness/tools.ts'

async function main(): Promise<number> {
  process.stderr.on('error', () => {}) // whoever read our output has gone (`| head`): stop properly all the same
  const report = createReport((text) => process.stderr.write(text))
  let options: Options
  try {
    options = parseArguments(process.argv.slice(2))
  } catch (error) {
    report.say(`${messageOf(error)}. See --help.`)
    return 2
  }
  if (options.action === 'help') {
    process.stdout.write(help)
    return 0
  }
  const interrupt = watchSignals((signal) => report.say(`${signal}: stopping (once more to stop without waiting for the tests)`))
  try {
    if (options.action === 'stop') return await stopKept(options.operands, report)
    await stopAbandoned(report)
    if (options.action === 'build') {
      await buildTools(everyTool, { report, signal: interrupt.first })
      return 0
    }
    const files = options.keep && options.operands.length === 0 ? [] : findTestFiles(options.operands)
    await buildTools(toolsOf(files), { report, signal: interrupt.first })
    return await run(files, options, report, interrupt)
  } catch (error) {
    if (interrupt.exitCode() === null) report.say(messageOf(error))
    return interrupt.exitCode() ?? 1
  }
}

async function run(files: string[], options: Options, report: Report, interrupt: Interrupt): Promise<number> {
  const ledger = createFolder()
  const releaseJanitor = startJanitor(ledger.folder)
  const processes = createProcesses(ledger, (component) => complain(component, report))
  let outcome: 'passed' | 'failed' | 'kept' = 'failed'
  try {
    const cluster = await bringUp(options, { ledger, processes, report, signal: interrupt.first })
    const code =
      files.length === 0 ? 0 : await runTests(files, { environment: testEnvironment(cluster), ...options }, { ledger, interrupt })
    if (options.keep && !interrupt.first.aborted) {
      leaveLockToNode(ledger)
      ledger.update((entry) => {
        entry.kept = true
      })
      outcome = 'kept'
      sayKept(writeShellFile(ledger.folder, cluster), cluster.adminKubeconfig, ledger.folder, report)
      return code
    }
    const healthy = processes.firstEnded() === null
    if (!healthy) report.say('a component ended during the tests: the run counts as failed')
    if (code === 0 && healthy) outcome = 'passed'
    return interrupt.exitCode() ?? (healthy ? code : 1)
  } catch (error) {
    if (!(error instanceof ComponentEnded)) {
      if (!interrupt.first.aborted) report.say(messageOf(error))
    } else if (error.component.name === 'node') report.say('if this machine cannot hold a real node, --no-node leaves it out')
    return interrupt.exitCode() ?? 1
  } finally {
    processes.expectEnd()
    if (outcome !== 'kept') await stop(ledger, outcome === 'failed' && !interrupt.first.aborted, report)
    releaseJanitor()
  }
}

async function stop(ledger: LedgerFile, failed: boolean, report: Report): Promise<void> {
  const logFolder = join(ledger.folder, 'logs')
  const keepLogs = failed && readdirSync(logFolder).length > 0
  const started = performance.now()
  const left = await stopCluster(ledger, keepLogs)
  report.say(left.length === 0 ? `everything stopped in ${seconds(performance.now() - started)}` : `could not stop: ${left.join(', ')}`)
  if (keepLogs) report.say(`the logs are in ${logFolder}`)
}

/** Ends the cluster if this process is killed. @returns what to call once there is nothing left for it to do */
function startJanitor(folder: string): () => void {
  const janitor = spawn(process.execPath, [join(import.meta.dirname, 'harness', 'janitor.ts'), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  janitor.unref()
  janitor.stdin.on('error', () => {}) // it was killed: then there is nobody to release
  return () => janitor.stdin.end('released')
}

function complain(component: Running, report: Report): void {
  report.say(`${component.name} ended by itself (${component.ended})\n${logTails(component)}`)
}

function sayKept(shellFile: string, kubeconfig: string, folder: string, report: Report): void {
  report.say('the cluster is left up. In your shell:')
  report.say(`  export KUBECONFIG=${kubeconfig}`)
  report.say(`  . ${shellFile}     # or this: KUBECONFIG and JOBHOOK_TEST_*, then: node --test test/e2e/some.test.ts`)
  report.say(`  node test/cluster/run.ts --stop ${folder}`)
}

async function stopKept(operands: string[], report: Report): Promise<number> {
  const kept = operands.length > 0 ? operands.map(openLedger) : findLedgers().filter((file) => file.read().kept)
  if (kept.length === 0) report.say('no kept cluster')
  for (const ledger of kept) {
    report.say(`stopping ${ledger.folder}`)
    await stop(ledger, false, report)
  }
  return 0
}

/** What is left of runs that were killed together with their janitor. */
async function stopAbandoned(report: Report): Promise<void> {
  for (const ledger of findLedgers()) {
    const { kept, owner, processes } = ledger.read()
    if (isRunning(owner) || (kept && processes.some(isRunning))) continue
    report.say(`removing what a run that was killed has left: ${ledger.folder}`)
    await stopCluster(ledger, false)
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

process.exitCode = await main()
