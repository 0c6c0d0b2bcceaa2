// Sees to it that there is one real node on this machine at a time: it goes by the host name localhost.
import { join } from 'node:path'
import { findLedgers, type LedgerFile } from '../ledger.ts'
import { acquireLock, handOverLock, type LockHolder } from '../lock.ts'
import type { Report } from '../report.ts'

/** Not in TMPDIR, which may differ between the users of one machine. */
const lockFile = '/tmp/jobhook-real-node.lock'

export async function lockRealNode(deps: { ledger: LedgerFile; report: Report; signal: AbortSignal }): Promise<void> {
  let quiet = () => {}
  await acquireLock(lockFile, deps.ledger.folder, {
    signal: deps.signal,
    onWait(holder) {
      refuseIfKept(holder)
      deps.report.say(`another run has this machine's one real node (pid ${holder.pid}, ${holder.note}): waiting for its end`)
      quiet = deps.report.heartbeat('waiting for the real node')
    },
  }).finally(() => quiet())
  deps.ledger.update((entry) => entry.locks.push(lockFile))
}

/** A kept cluster's lock is held by its node, for as long as that runs. */
export function leaveLockToNode(ledger: LedgerFile): void {
  const { processes, locks } = ledger.read()
  const node = processes.find(({ name }) => name === 'node')
  if (node !== undefined && locks.includes(lockFile))
    handOverLock(lockFile, { pid: node.pid, startedAt: node.startedAt, note: ledger.folder })
}

function refuseIfKept(holder: LockHolder): void {
  if (!findLedgers().some((file) => file.folder === holder.note && file.read().kept)) return
  const environment = join(holder.note, 'env.sh')

  throw new Error(
    `a kept cluster (${holder.note}) has this machine's one real node: use it (. ${environment}), stop it (node test/cluster/run.ts --stop), or leave the node out (--no-node)`,
  )
}
