// What a task would become: the one function behind `jobhook render` and POST /v1/render. Needs no cluster and creates nothing.
import { parseAllDocuments } from 'yaml'
import { callbackUrlProblem } from '../callback/index.ts'
import type { Config } from '../config/index.ts'
import { buildTask, type JobSpecOptions, render } from '../jobspec/index.ts'
import type { RestAssignment } from '../model/assignment.ts'
import type { FieldError } from '../model/problem.ts'

/** Part of the Secret's name where a real task has random characters: the same input must give the same text, for diff. */
const NONCE = 'render'
/** An assignment by REST may leave task_id to jobhook, which then makes one up. */
const TASK_ID = 'example'

export interface Rendered {
  ok: true
  /** Secret, then Job, for kubectl apply; warnings and the origin of each variable are comments. */
  yaml: string
  /** The same as plain objects. */
  items: unknown[]
  /** What was asked for and is not done. Names, never values. */
  warnings: string[]
}

export type RenderTask = (assignment: RestAssignment, options: { showSecrets: boolean }) => Rendered | { ok: false; errors: FieldError[] }

/** Pointers in errors begin with /data, as in an assignment message. */
export function createRender(config: Pick<Config, 'callback'>, spec: JobSpecOptions): RenderTask {
  return (assignment, { showSecrets }) => {
    const url = assignment.callback_url
    const urlProblem = url === undefined ? null : callbackUrlProblem(url, config.callback.allow_origins)
    const built = buildTask({ ...assignment, task_id: assignment.task_id ?? TASK_ID }, spec, {
      nonce: NONCE,
      callbackUrl: url ?? null,
      traceparent: null,
    })
    const errors = [
      ...(urlProblem === null ? [] : [{ pointer: '/data/callback_url', detail: urlProblem }]),
      ...(built.ok ? [] : built.errors),
    ]
    if (!built.ok || errors.length > 0) return { ok: false, errors }
    const yaml = render(built, { showSecrets })
    const items = parseAllDocuments(yaml, { version: '1.1' }).map((document) => document.toJS() as unknown)
    return { ok: true, yaml, items, warnings: built.warnings }
  }
}
