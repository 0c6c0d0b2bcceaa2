// Names and label values derived from ids that may hold anything. Deterministic: the Job's name is what makes a second delivery find the first.
import { hash } from 'node:crypto'
import type { TaskIdentity } from '../model/assignment.ts'
import { LABELS, MANAGED_BY, TASK_APP_NAME } from '../model/keys.ts'

const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567'
const SLUG_LENGTH = 24
/** 16 characters of base32 are 80 bits: no two tasks of one worker meet by chance. */
const JOB_HASH_LENGTH = 16
const LABEL_HASH_LENGTH = 10
/** Kubernetes allows 63; what is left for the readable part. */
const LABEL_TEXT_LENGTH = 63 - 1 - LABEL_HASH_LENGTH

/** Lower-case base32 (RFC 4648 alphabet) of the first bits of sha256, valid in names and label values. */
export function shortHash(text: string, length: number): string {
  const bytes = hash('sha256', text, 'latin1')
  let out = ''
  let bits = 0
  let value = 0
  for (let index = 0; out.length < length; index++) {
    value = (value << 8) | bytes.charCodeAt(index)
    bits += 8
    while (bits >= 5 && out.length < length) {
      bits -= 5
      out += BASE32.charAt((value >>> bits) & 31)
    }
    value &= (1 << bits) - 1
  }
  return out
}

export interface TaskNames {
  jobName: string
  workerLabel: string
  taskLabel: string
}

/** The Job's name (a DNS label) and the two label values of one run. */
export function taskNames(identity: TaskIdentity): TaskNames {
  // A JSON array separates the ids unambiguously, and escapes lone surrogates instead of folding them into one.
  const key = JSON.stringify([identity.workerId, identity.taskId, identity.executionId])
  // Asked for again while one assignment is worked on.
  if (lastNames?.key === key) return lastNames.names
  const readable = slug(identity.taskId)
  const names = {
    jobName: `task-${readable === '' ? '' : `${readable}-`}${shortHash(key, JOB_HASH_LENGTH)}`,
    workerLabel: workerLabel(identity.workerId),
    taskLabel: hashedLabel(identity.taskId),
  }
  lastNames = { key, names }
  return names
}

let lastNames: { key: string; names: TaskNames } | null = null
let lastWorker: { id: string; label: string } | null = null

/** The value of the label jobhook.dev/worker: what one worker's informer selects by. */
export function workerLabel(workerId: string): string {
  if (lastWorker?.id !== workerId) lastWorker = { id: workerId, label: hashedLabel(workerId) }
  return lastWorker.label
}

/** The labels on a task's Job, Pod and Secret. */
export function taskLabels(names: TaskNames): Record<string, string> {
  return {
    [LABELS.managedBy]: MANAGED_BY,
    [LABELS.name]: TASK_APP_NAME,
    [LABELS.worker]: names.workerLabel,
    [LABELS.task]: names.taskLabel,
  }
}

function slug(text: string): string {
  return trim(text.toLowerCase().replace(/[^a-z0-9]+/g, '-'), '-')
    .slice(0, SLUG_LENGTH)
    .replace(/-+$/, '')
}

function hashedLabel(text: string): string {
  const readable = trim(text.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, LABEL_TEXT_LENGTH), '-._')
  const hash = shortHash(JSON.stringify(text), LABEL_HASH_LENGTH)
  return readable === '' ? hash : `${readable}-${hash}`
}

function trim(text: string, characters: string): string {
  let start = 0
  let end = text.length
  while (start < end && characters.includes(text.charAt(start))) start++
  while (end > start && characters.includes(text.charAt(end - 1))) end--
  return text.slice(start, end)
}
