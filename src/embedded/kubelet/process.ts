/** One command as a process group of its own: found, started, asked to end, killed. Knows nothing of Pods. */
import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { constants as osConstants } from 'node:os'
import { delimiter, join, resolve } from 'node:path'

/** The command could not be started at all: exit code 128, reason StartError, as containerd reports it. */
export class StartError extends Error {}

export interface ProcessHandle {
  pid: number
  /** Resolves once the process has ended, what was left of its group is killed, and its output is read. A signal N counts as 128 + N. */
  exited: Promise<number>
  /** SIGTERM to the process itself, as a container's first process would get it. */
  terminate(): void
  kill(): void
}

export interface Command {
  words: readonly string[]
  environment: Record<string, string>
  folder: string
  onOutput(stream: 'stdout' | 'stderr', chunk: Buffer): void
}

/** Output that a grandchild outside the group holds open is waited for no longer than this. */
const OUTPUT_DRAIN_MS = 1000

export async function startProcess(command: Command): Promise<ProcessHandle> {
  const [name = '', ...rest] = command.words
  const file = findExecutable(name, command.environment.PATH ?? '', command.folder)
  const child = spawn(file, rest, {
    argv0: name,
    cwd: command.folder,
    env: command.environment,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  child.stdout.on('data', (chunk: Buffer) => command.onOutput('stdout', chunk))
  child.stderr.on('data', (chunk: Buffer) => command.onOutput('stderr', chunk))
  await new Promise<void>((started, failed) => {
    child.once('spawn', started)
    child.once('error', (error) => failed(new StartError(`exec: "${name}": ${error.message}`)))
  })
  const { pid } = child
  if (pid === undefined) throw new StartError(`exec: "${name}": no process`)

  const exited = new Promise<number>((done) => {
    child.once('exit', (code, signal) => {
      signalGroup(pid, 'SIGKILL')
      const finish = (): void => {
        clearTimeout(timer)
        child.stdout.destroy()
        child.stderr.destroy()
        done(code ?? 128 + (signal === null ? 0 : osConstants.signals[signal]))
      }
      const timer = setTimeout(finish, OUTPUT_DRAIN_MS)
      child.once('close', finish)
    })
  })
  return {
    pid,
    exited,
    terminate: () => {
      child.kill('SIGTERM')
    },
    kill: () => signalGroup(pid, 'SIGKILL'),
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // ESRCH: nobody is left in the group, which is what a kill wants
  }
}

/** Looks as execvp would, in the container's own PATH; throws what the container runtime would say. */
function findExecutable(name: string, path: string, folder: string): string {
  if (name.includes('/')) return executable(resolve(folder, name), name, 'no such file or directory')
  for (const part of path.split(delimiter)) {
    const candidate = join(part === '' ? folder : part, name)
    if (isExecutable(candidate)) return candidate
  }
  throw new StartError(`exec: "${name}": executable file not found in $PATH`)
}

function executable(file: string, name: string, missing: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  if (found === undefined) throw new StartError(`exec: "${name}": stat ${name}: ${missing}`)
  if (found.isDirectory()) throw new StartError(`exec: "${name}": is a directory`)
  if (!isExecutable(file)) throw new StartError(`exec: "${name}": permission denied`)
  return file
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
