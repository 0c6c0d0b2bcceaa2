// A lock that is a file holding its owner's process id: one build, or one real node, at a time on this machine. A dead owner's lock is taken over.
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { isRunning, type ProcessId, self } from './process-id.ts'

export interface LockHolder extends ProcessId {
  /** For the person who waits: what the holder is. */
  note: string
}

/** Waits until the lock is ours. `onWait` is called once with the holder, and may throw rather than wait. */
export async function acquireLock(
  path: string,
  note: string,
  options: { signal: AbortSignal; onWait: (holder: LockHolder) => void },
): Promise<void> {
  mkdirSync(dirname(path), { recursive: true })
  for (let told = false; ; ) {
    const holder = tryLock(path, { ...self(), note })
    if (holder === null) return
    if (!told) options.onWait(holder)
    told = true
    await delay(250, undefined, { signal: options.signal })
  }
}

/** Passes our lock on to a process that outlives us. */
export function handOverLock(path: string, holder: LockHolder): void {
  const mine = temporaryName(path)
  writeFileSync(mine, JSON.stringify(holder))
  renameSync(mine, path)
}

/** Leaves a lock alone that somebody else has taken over in the meantime. */
export function releaseLock(path: string, owners: ProcessId[]): void {
  const holder = readHolder(path)
  const ours = owners.some((owner) => owner.pid === holder?.pid && owner.startedAt === holder.startedAt)
  if (ours) rmSync(path, { force: true })
}

/** @returns the living holder, or null when the lock is now ours */
function tryLock(path: string, owner: LockHolder): LockHolder | null {
  const mine = temporaryName(path)
  writeFileSync(mine, JSON.stringify(owner))
  try {
    for (;;) {
      try {
        linkSync(mine, path) // atomic, and the content is there from the first instant
        return null
      } catch (error) {
        if (!isCode(error, 'EEXIST')) throw error
      }
      const holder = readHolder(path)
      if (holder !== null && isRunning(holder)) return holder
      if (holder !== null) discard(path, holder)
    }
  } finally {
    unlinkSync(mine)
  }
}

/** Takes a dead holder's file away; if another run has replaced it in the meantime, puts that one back. */
function discard(path: string, dead: LockHolder): void {
  const aside = temporaryName(path)
  try {
    renameSync(path, aside)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return
    throw error
  }
  const moved = readHolder(aside)
  if (moved !== null && (moved.pid !== dead.pid || moved.startedAt !== dead.startedAt)) renameSync(aside, path)
  else unlinkSync(aside)
}

function readHolder(path: string): LockHolder | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as LockHolder
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw new Error(`the lock file ${path} cannot be read: remove it if no other run is going on`, { cause: error })
  }
}

function temporaryName(path: string): string {
  return `${path}.${process.pid}.${Math.random().toString(36).slice(2)}`
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
