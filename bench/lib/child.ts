// A script of ours in a process of its own, asked by messages: what makes load and what is measured must not share an event loop.
import { fork } from 'node:child_process'

export interface Child {
  pid: number
  /** Calls one of the functions that the script serves. Values are copied (numbers, texts, arrays, plain objects). */
  call<T>(name: string, argument?: unknown): Promise<T>
  stop(): Promise<void>
}

interface Question {
  id: number
  name: string
  argument: unknown
}

type Answer = { id: number; value: unknown } | { id: number; error: string }

export function startChild(script: string, options: { execArgv?: string[]; env?: Record<string, string> } = {}): Child {
  const child = fork(script, [], {
    execArgv: options.execArgv ?? [],
    env: { ...process.env, ...options.env },
    serialization: 'advanced',
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let asked = 0
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${script} ended (${signal ?? code})`))
      waiting.clear()
      resolve()
    })
  })
  child.on('message', (message) => {
    const answer = message as Answer
    const question = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('error' in answer) question?.reject(new Error(`${script}: ${answer.error}`))
    else question?.resolve(answer.value)
  })
  return {
    pid: child.pid ?? 0,
    call<T>(name: string, argument?: unknown): Promise<T> {
      const question: Question = { id: ++asked, name, argument }
      return new Promise<T>((resolve, reject) => {
        if (!child.connected) return reject(new Error(`${script} has ended`))
        waiting.set(question.id, { resolve: (value) => resolve(value as T), reject })
        child.send(question)
      })
    },
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
      await exited
    },
  }
}

/** The other side: in the script. Ends when the parent has gone. */
export function serveCalls(functions: Record<string, (argument: never) => unknown>): void {
  process.on('disconnect', () => process.exit(0))
  process.on('message', async (message) => {
    const { id, name, argument } = message as Question
    // Who has gone wants no answer, and `disconnect` ends this process.
    const answer = (reply: Answer): void => void process.send?.(reply, undefined, undefined, () => {})
    try {
      const served = functions[name]
      if (!served) throw new Error(`no function ${name}`)
      answer({ id, value: await served(argument as never) })
    } catch (error) {
      answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    }
  })
}
