// What a report says in the task's own words, with its secret values taken out. The end of a failure's log: from the stream that was followed before the stop, else read now; secrets taken out, cut to size, and
// in words what is missing and why. What cannot be known is said, not guessed.
import { describeError } from '../lib/log.ts'
import { ANNOTATIONS, TASK_CONTAINER } from '../model/keys.ts'
import type { JobView, PodView, TaskView } from '../model/kube.ts'
import { isTerminal, podThatCounts } from '../model/task-pod.ts'
import type { Verdict } from '../model/verdict.ts'
import { cleanVerdict, mayQuote } from './clean.ts'
import { fitTail } from './fit.ts'
import type { LogKeeper } from './keeper.ts'
import { redact, secretForms } from './redact.ts'
import { lastBytes, tailText } from './ring.ts'
import { logContainer } from './source.ts'
import type { ReadLog, ReadSecretValues } from './types.ts'

/** `text` null without a note: there is no log (nothing has run), or none is wanted. */
export interface LogTail {
  text: string | null
  note?: string
}

export interface FailureLog {
  /** Follows the log of a Pod that is about to end by force. Resolves within two seconds; does nothing where nothing runs or is of use. */
  follow(task: TaskView): Promise<void>
  /**
   * The verdict as it may leave: with the end of a failure's log, and without secret values. One read of the task's Secret, where it has one and
   * the verdict quotes anything. Rejects when the Secret cannot be read just now: what a task found out must not be lost to a busy API.
   */
  complete(task: TaskView, verdict: Verdict): Promise<Verdict>
}

/** null: they could not be read, so nothing may be sent. */
type Forms = readonly string[] | null

/** Read beyond the tail itself, so that a value at its front is seen whole and can be taken out. */
export const SLACK_BYTES = 16_384
/** A tail of n bytes is asked for as n/16 lines: shorter lines than that are rare, and the kubelet finds the last lines without reading the rest. */
const SHORT_LINE_BYTES = 16
/** JSON may be this much longer than the text: the tail of a log full of control characters is then shorter. With 64 KiB it fits into an annotation. */
const JSON_FACTOR = 2
const READ_TIMEOUT_MS = 10_000

export const tailLinesFor = (limitBytes: number): number => Math.max(1_000, Math.ceil(limitBytes / SHORT_LINE_BYTES))

interface Piece {
  text: string
  cutFront: boolean
  cutBack: boolean
  notes: string[]
}

export function createFailureLog(
  deps: { readLog: ReadLog; readSecretValues: ReadSecretValues; keeper: LogKeeper },
  options: { tailBytes: number },
): FailureLog {
  const { keeper } = deps
  const { tailBytes } = options
  const tailLines = tailLinesFor(tailBytes)

  function follow(task: TaskView): Promise<void> {
    const pod = podThatCounts(task.pods)
    const container = pod ? logContainer(pod, TASK_CONTAINER) : null
    if (tailBytes === 0 || !pod || !container || isTerminal(pod) || isOfNoUse(task, pod)) return Promise.resolve()
    return keeper.follow({ jobUid: task.job.uid, pod: pod.name, container: container.name })
  }

  async function read(pod: string, container: string): Promise<Piece | { why: string }> {
    try {
      const opened = await deps.readLog(pod, { container, tailLines }, AbortSignal.timeout(READ_TIMEOUT_MS))
      if (!opened.ok) return { why: opened.error.message }
      const end = await lastBytes(opened.value, tailBytes + SLACK_BYTES)
      const text = tailText(end)
      return { text, cutFront: end.droppedBytes > 0 || lines(text) >= tailLines, cutBack: false, notes: [] }
    } catch (error) {
      return { why: describeError(error) }
    }
  }

  async function find(task: TaskView, pod: PodView, container: string): Promise<Piece | { why: string }> {
    const kept = await keeper.take({ jobUid: task.job.uid, pod: pod.name, container })
    if (kept?.kind === 'log' && kept.complete) return pieceOf(kept, [])
    const now = pod.gone ? { why: 'the Pod is gone and its log with it' } : await read(pod.name, container)
    if (!('why' in now)) return now
    if (kept?.kind === 'log')
      return pieceOf(kept, [`the stream broke off before the container’s end${kept.error ? ` (${kept.error})` : ''}`])
    return { why: kept === null ? now.why : `${now.why}; ${kept.why}` }
  }

  function pieceOf(kept: { bytes: Buffer; droppedBytes: number; complete: boolean }, notes: string[]): Piece {
    const text = tailText(kept)
    return { text, cutFront: kept.droppedBytes > 0 || lines(text) >= tailLines, cutBack: !kept.complete, notes }
  }

  async function formsOf(task: TaskView): Promise<Forms> {
    const secret = task.job.annotations[ANNOTATIONS.secret]
    if (!secret) return []
    const values = await deps.readSecretValues(secret)
    if (values.ok) return secretForms(values.value)
    if (values.error.retryable) throw new Error(`reading the Secret: ${values.error.message}`, { cause: values.error.cause })
    return null
  }

  async function tail(task: TaskView, verdict: Verdict, forms: Forms): Promise<LogTail> {
    const { job, pods } = task
    const pod = pods.find(({ name }) => name === verdict.detail.pod) ?? null
    const meant = verdict.detail.container ?? TASK_CONTAINER
    const container = pod ? logContainer(pod, meant) : null
    if (verdict.kind !== 'failed' || !pod || !container) return { text: null }
    if (tailBytes === 0) return { text: null, note: 'log tails are switched off (callback.log_tail_bytes: 0)' }
    const found = await find(task, pod, container.name)
    if ('why' in found) return { text: null, note: `the log of the container ${container.name} could not be read: ${found.why}` }
    const notes = [...found.notes]
    if (container.name !== meant) notes.unshift(`this is the log of the container ${container.name}: ${meant} never ran`)
    if (found.text === '') return { text: '', note: [...notes, 'the container wrote nothing'].join('; ') }
    if (forms === null) return { text: null, note: `the log is held back: ${unreadable(job)}` }
    const clean = redact(found.text, forms, found)
    const fitted = fitTail(clean.text, tailBytes, tailBytes * JSON_FACTOR)
    if (fitted.cut || found.cutFront) notes.push(`only the last ${Buffer.byteLength(fitted.text)} bytes of the log are here`)
    if (clean.places > 0) notes.push(`values of the task’s Secret are taken out (${clean.places})`)
    return { text: fitted.text, ...(notes.length > 0 ? { note: notes.join('; ') } : {}) }
  }

  return {
    follow,
    async complete(task, verdict) {
      if (!mayQuote(verdict)) return verdict
      const forms = await formsOf(task)
      const { text, note } = await tail(task, verdict, forms)
      const told: Verdict = {
        ...verdict,
        detail: {
          ...verdict.detail,
          ...(text === null ? {} : { log_tail: text }),
          ...(note === undefined ? {} : { log_note: note }),
        },
      }
      if (forms !== null) return cleanVerdict(told, forms)
      if (told.output === null) return told
      return { ...told, output: null, detail: { ...told.detail, output_note: `the output is held back: ${unreadable(task.job)}` } }
    },
  }
}

function unreadable({ annotations }: JobView): string {
  return `the Secret ${annotations[ANNOTATIONS.secret]} could not be read, so its values cannot be taken out of it`
}

/** A cancelled task is no failure and has no tail in its report, unless it had ended by itself before. */
function isOfNoUse({ job }: TaskView, pod: PodView): boolean {
  const main = pod.containers.find(({ role }) => role === 'task')
  return main?.state?.kind !== 'terminated' && /"reason":"task_cancelled"/.test(job.annotations[ANNOTATIONS.stop] ?? '')
}

function lines(text: string): number {
  let count = 0
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++
  return count
}
