/**
 * Keeps the objects over a restart: one file, written shortly after a change and at the end, replaced as a whole. What a crash can lose is the last moment's
 * changes: this is a convenience for one machine, not etcd.
 */
import { closeSync, mkdirSync, openSync, readFileSync, renameSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isObject } from './json.ts'
import type { Store } from './store.ts'
import type { KubeObject } from './types.ts'

export interface SavedState {
  revision: number
  objects: Record<string, KubeObject[]>
}

export interface DataDir {
  saved: SavedState | null
  /** Starts to write the store's changes down. */
  keep(store: Store): void
  /** Writes what is not yet written, and lets go of the folder. */
  close(): void
}

const DEBOUNCE_MS = 250
/** Writing may take a tenth of the time, however large the state has become. */
const REST_PER_WRITE = 10

export function openDataDir(folder: string, log: (line: string) => void): DataDir {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const lock = join(folder, 'lock')
  takeLock(lock, folder)
  const file = join(folder, 'state.json')
  let store: Store | null = null
  let unsubscribe = (): void => {}
  let dirty = false
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> | null = null
  let closed = false

  function text(from: Store): string {
    const objects = Object.fromEntries(from.resources().map((resource) => [resource, from.list(resource, '')]))
    return JSON.stringify({ revision: from.revision(), objects } satisfies SavedState)
  }

  function schedule(delayMs: number): void {
    if (timer === undefined && writing === null && !closed) timer = setTimeout(write, delayMs)
  }

  function write(): void {
    timer = undefined
    if (store === null || closed) return
    const startedAt = performance.now()
    dirty = false
    const temporary = `${file}.tmp`
    writing = writeFile(temporary, text(store), { mode: 0o600 })
      .then(() => (closed ? undefined : rename(temporary, file)))
      .catch((error: unknown) => log(`data_dir: cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`))
      .finally(() => {
        writing = null
        if (dirty) schedule(Math.max(DEBOUNCE_MS, (performance.now() - startedAt) * REST_PER_WRITE))
      })
  }

  return {
    saved: readState(file),
    keep(kept) {
      store = kept
      unsubscribe = kept.subscribe(null, () => {
        dirty = true
        schedule(DEBOUNCE_MS)
      })
      dirty = true
      schedule(0)
    },
    close() {
      closed = true
      clearTimeout(timer)
      unsubscribe()
      if (store !== null) {
        const temporary = `${file}.closing`
        writeFileSync(temporary, text(store), { mode: 0o600 })
        renameSync(temporary, file)
      }
      rmSync(lock, { force: true })
    },
  }
}

function readState(file: string): SavedState | null {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return null // the first start in this folder
  }
  const state: unknown = JSON.parse(text)
  if (!isObject(state) || typeof state.revision !== 'number' || !isObject(state.objects)) {
    throw new Error(`embedded.data_dir: ${file} is not a state of this cluster; move it away to start empty`)
  }
  return state as unknown as SavedState
}

/** Two clusters on one folder would overwrite each other. A lock whose process is gone is taken over. */
function takeLock(lock: string, folder: string): void {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const descriptor = openSync(lock, 'wx', 0o600)
      writeSync(descriptor, String(process.pid))
      closeSync(descriptor)
      return
    } catch (error) {
      const holder = holderOf(lock)
      if (attempt > 0 || holder !== null) {
        throw new Error(`embedded.data_dir ${folder} is in use by process ${holder ?? 'unknown'}; stop it or use another folder`, {
          cause: error,
        })
      }
      rmSync(lock, { force: true })
    }
  }
}

function holderOf(lock: string): number | null {
  try {
    const pid = Number(readFileSync(lock, 'utf8'))
    process.kill(pid, 0)
    return pid
  } catch {
    return null
  }
}
