// Bugs planted into a copy of jobhook, one at a time, to see that the chaos run finds them: `npm run chaos -- --planted`. What each is expected to
// break is a promise of the checker.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Planted {
  name: string
  file: string
  /** Stands once in the file. */
  find: string
  replace: string
  /** One of these is found broken. */
  promises: string[]
}

const ROOT = join(import.meta.dirname, '../..')

export const planted: Planted[] = [
  {
    name: 'a verdict has another id on each replica',
    file: 'src/callback/messages.ts',
    find: 'return `jobhook_${jobUid}_${slot}`',
    replace: "return `jobhook_${jobUid}_${slot}${slot === 'verdict' ? process.pid : ''}`",
    promises: ['one verdict id'],
  },
  {
    name: 'a stopped task is reported before its Pod has ended',
    file: 'src/outcome/classify.ts',
    find: 'if (mark) return classifyStopped(seen, mark, options, nowMs)',
    replace: 'if (mark) return ended(seen, stoppedVerdict(seen, mark, true), true)',
    promises: ['no verdict while a Pod runs'],
  },
  {
    name: 'a report that was not acknowledged counts as delivered',
    file: 'src/reconcile/reconcile.ts',
    find: "if (result.kind === 'acknowledged') return { state: 'delivered'",
    replace: "if (result.kind !== 'gone') return { state: 'delivered'",
    promises: ['2xx means reported in the end'],
  },
  {
    name: 'the Job’s name does not follow from the task alone',
    file: 'src/jobspec/names.ts',
    find: 'JSON.stringify([identity.workerId, identity.taskId, identity.executionId])',
    replace: 'JSON.stringify([identity.workerId, identity.taskId, identity.executionId, process.pid])',
    promises: ['one Job an execution', 'one content an execution'],
  },
  {
    name: 'values of variables are logged',
    file: 'src/intake/submit.ts',
    find: 'const known = deps.cached(name)\n',
    replace: "const known = deps.cached(name)\n    deps.log.info({ env: assignment.env_vars }, 'assignment')\n",
    promises: ['no secret anywhere'],
  },
  {
    name: 'task_started waits for the verdict',
    file: 'src/reconcile/started.ts',
    find: 'if (started.attempts === 0) send(name, own, facts, target)',
    replace:
      'if (started.attempts === 0) setTimeout(() => send(name, { ...own, started: { ...started, done: false } }, facts, target), 2_000)',
    promises: ['started before the verdict'],
  },
  {
    name: '202 before the Job is written',
    file: 'src/intake/submit.ts',
    find: "const created = await write('create Job', () => deps.createJob(built.job))",
    replace:
      "void write('create Job', () => deps.createJob(built.job))\n      const created: KubeResult<KubeObject> = { ok: true, value: { ...built.job, metadata: { ...built.job.metadata, uid: 'none', resourceVersion: '1' } } as never }",
    promises: ['2xx means durable', '2xx means reported in the end', 'one content an execution'],
  },
  {
    name: 'why a task was stopped is not written down',
    file: 'src/reconcile/record.ts',
    find: "annotations: { [annotation('stop')]: mark } }",
    replace: 'annotations: {} }',
    promises: ['the expected verdict'],
  },
  {
    name: 'a Secret stays when its task is closed',
    file: 'src/reconcile/job-writer.ts',
    find: 'if (secret) {',
    replace: 'if (secret === null) {',
    promises: ['nothing is left over'],
  },
  {
    name: 'the finalizer stays',
    file: 'src/reconcile/record.ts',
    find: "...(job.held ? { '$deleteFromPrimitiveList/finalizers': [FINALIZER] } : {}),",
    replace: '',
    promises: ['nothing is left over'],
  },
]

/** How often the text stands in the file: anything but once means that the code has moved on. */
export function occurrences({ file, find }: Planted): number {
  return readFileSync(join(ROOT, file), 'utf8').split(find).length - 1
}

/** A copy of this tree with the bug in it. The caller removes it. */
export function plant(bug: Planted): { root: string; remove(): void } {
  if (occurrences(bug) !== 1) throw new Error(`${bug.file} has changed: "${bug.find}" is to stand in it once`)
  const root = mkdtempSync(join(tmpdir(), 'jobhook-planted-'))
  for (const name of ['src', 'routes', 'package.json', 'openapi.yaml', 'tsconfig.json'])
    cpSync(join(ROOT, name), join(root, name), { recursive: true })
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'))
  const path = join(root, bug.file)
  writeFileSync(
    path,
    readFileSync(path, 'utf8').replace(bug.find, () => bug.replace),
  )
  return { root, remove: () => rmSync(root, { recursive: true, force: true }) }
}
