// What this replica has just done to a task, until the cache shows it. The watch may lag behind our own writes; the facts kept here only ever
// become truer (a stop mark, a stored verdict), so laying them over the cache is right. Only the delivery moves on without us, by another
// replica or a replay: there whichever is further counts.
import type { DeliveryRecord } from '../model/callback.ts'
import { ANNOTATIONS } from '../model/keys.ts'
import type { JobView, Uids } from '../model/kube.ts'
import type { Outcome } from '../model/verdict.ts'
import { isFurther } from './record.ts'

export interface StartedDelivery {
  attempts: number
  nextAtMs: number
  inFlight: Promise<void> | null
  /** It could not be sent yet for want of room: no attempt. */
  foundNoRoom: boolean
  done: boolean
}

export interface TaskMemory {
  annotations: Record<string, string>
  started: StartedDelivery
  /** The receiver's final answer, once it came: what is left is only to close. */
  answered: DeliveryRecord | null
  closed: boolean
  /** The Pods that outlived their Job have been deleted, or cannot be. */
  leftPodsEnded: boolean
  /** The last state unknown to us that was logged. */
  unknownState: string | null
  /** Found not to be ours, and said so. */
  foreign: boolean
  /** Under which term of leading this replica has written the verdict on the Job; null: it has not. */
  storedInTerm: number | null
  /** The verdict this replica has reached, before it is written down anywhere. */
  ended: Extract<Outcome, { kind: 'ended' }> | null
  /** Of the delivery, as this replica last saw it: what is remembered of an earlier one no longer holds. */
  round: number
  /** When this replica first saw that the workload had ended. */
  endedSeenMs: number | null
}

export interface Memory {
  of(uid: string): TaskMemory
  /** The Job as it is after our own writes. */
  overlay(job: JobView): JobView
  /** Counts how often this replica began to lead: in between another may have done anything. */
  term(): number
  beginTerm(): void
  /** A stop mark was written on this Job. */
  noteStop(job: JobView): void
  /** Forgets every Job that is not among these uids: the others are gone. */
  retain(uids: Uids): void
  clear(): void
}

export function createMemory(): Memory {
  const byUid = new Map<string, TaskMemory>()
  let term = 0

  function of(uid: string): TaskMemory {
    let memory = byUid.get(uid)
    if (!memory) {
      memory = {
        annotations: {},
        started: { attempts: 0, nextAtMs: 0, inFlight: null, foundNoRoom: false, done: false },
        answered: null,
        closed: false,
        leftPodsEnded: false,
        foreign: false,
        unknownState: null,
        ended: null,
        storedInTerm: null,
        round: 0,
        endedSeenMs: null,
      }
      byUid.set(uid, memory)
    }
    return memory
  }

  return {
    of,
    overlay(job) {
      const own = byUid.get(job.uid)?.annotations
      if (!own) return job
      const names = [ANNOTATIONS.stop, ANNOTATIONS.verdict, ANNOTATIONS.delivery].filter(
        (name) =>
          own[name] !== undefined &&
          own[name] !== job.annotations[name] &&
          (name !== ANNOTATIONS.delivery || !isFurther(job.annotations[name], own[name])),
      )
      if (names.length === 0) return job
      return { ...job, annotations: { ...job.annotations, ...Object.fromEntries(names.map((name) => [name, own[name] ?? ''])) } }
    },
    term: () => term,
    beginTerm() {
      term++
    },
    noteStop(job) {
      const mark = job.annotations[ANNOTATIONS.stop]
      if (mark !== undefined) of(job.uid).annotations[ANNOTATIONS.stop] = mark
    },
    retain(uids) {
      for (const uid of byUid.keys()) if (!uids.has(uid)) byUid.delete(uid)
    },
    clear: () => byUid.clear(),
  }
}
