// Runs `node --test` on the chosen files, one file at a time, in a process group of its own so that an interrupt ends all of it.
import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inheritedEnvironment } from './environment.ts'
import type { Interrupt } from './interrupt.ts'
import type { LedgerFile } from './ledger.ts'

export const repository = join(import.meta.dirname, '..', '..', '..')
const defaultPatterns = [
  'test/contract/**/*.test.ts',
  'test/e2e/**/*.test.ts',
  'test/cluster/**/*.test.ts',
  // What only a real cluster can prove, beside the unit tests of the same folder.
  'test/**/*.cluster.test.ts',
]

/** @throws Error when nothing matches: a run of no tests must not look like success */
export function findTestFiles(patterns: string[]): string[] {
  const chosen = patterns.length === 0 ? defaultPatterns : patterns
  const files = chosen.flatMap((pattern) => globSync(pattern, { cwd: repository }).sort())
  if (files.length === 0) throw new Error(`no test file matches ${chosen.join(' ')} in ${repository}`)
  return [...new Set(files)]
}

/** @returns the runner's exit code */
export async function runTests(
  files: string[],
  options: { environment: Record<string, string>; testArguments: string[] },
  deps: { ledger: LedgerFile; interrupt: Interrupt },
): Promise<number> {
  const { first, second } = deps.interrupt
  first.throwIfAborted()
  const args = ['--test', '--test-reporter=spec', '--test-concurrency=1', '--test-timeout=300000', ...options.testArguments, ...files]
  const child = spawn(process.execPath, args, {
    cwd: repository,
    env: { ...inheritedEnvironment(), ...options.environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  })
  if (child.pid !== undefined) deps.ledger.add(child.pid, 'node --test', true)
  const kill = (signal: NodeJS.Signals) => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, signal)
    } catch {
      // it has ended
    }
  }
  // Ctrl-C in the tests' own terms first; after 5 s, or at the second signal, whatever is left of the group is killed.
  const onInterrupt = async () => {
    kill('SIGINT')
    await delay(5_000, undefined, { signal: second, ref: false }).catch(() => {})
    kill('SIGKILL')
  }
  first.addEventListener('abort', onInterrupt, { once: true })
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (exitCode) => resolve(exitCode ?? 1))
  })
  first.removeEventListener('abort', onInterrupt)
  return code
}
