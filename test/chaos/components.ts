// Kills a component of the test cluster (kube-apiserver, etcd) and starts it again as it was, by the cluster's ledger. Only on a cluster that nobody
// else uses: one that was kept, or one of the run's own.
import { spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openLedger } from '../cluster/harness/ledger.ts'
import { isRunning } from '../cluster/harness/process-id.ts'

type Component = 'kube-apiserver' | 'etcd'

export interface Components {
  /** It was killed a moment ago, and does not run again yet. */
  isDown(name: Component): boolean
  /** Resolves once it runs again; whether it answers is for its clients to find out. */
  restart(name: Component, signal: 'SIGKILL' | 'SIGTERM', downMs: number): Promise<void>
}

/** How long a component that was asked to end politely may take. An apiserver waits for the watches it serves. */
const PATIENCE_MS = 5_000

/** Null where the folder is not a cluster's, or others use it. */
export function openComponents(folder: string): Components | null {
  const file = openLedger(folder)
  try {
    const { kept, restartable } = file.read()
    if (!kept && restartable === undefined) return null
  } catch {
    return null
  }

  const down = new Set<Component>()
  return {
    isDown: (name) => down.has(name),
    async restart(name, signal, downMs) {
      const entry = file.read().processes.findLast((each) => each.name === name && isRunning(each))
      if (!entry) throw new Error(`${name} does not run in ${folder}`)
      const command = readlinkSync(`/proc/${entry.pid}/exe`)
      const [, ...args] = readFileSync(`/proc/${entry.pid}/cmdline`, 'utf8').split('\0').slice(0, -1)
      down.add(name)
      file.update((ledger) => {
        ledger.restartable = [...(ledger.restartable ?? []), name]
      })
      process.kill(entry.pid, signal)
      for (const overdueMs = performance.now() + PATIENCE_MS; isRunning(entry); ) {
        if (performance.now() > overdueMs) process.kill(entry.pid, 'SIGKILL')
        await delay(20)
      }
      await delay(downMs)
      const output = openSync(join(folder, 'logs', `${name}.log`), 'a')
      const child = spawn(command, args, { detached: true, stdio: ['ignore', output, output] })
      closeSync(output)
      child.unref()
      if (child.pid !== undefined) file.add(child.pid, name, false)
      down.delete(name)
    },
  }
}
