// docs/reasons.md from the reasons table: what each failure_reason means for the one who can do something about it.
import { REASONS, type Reason } from '../src/model/reasons.ts'

const WHO: Record<Reason['fixedBy'], string> = {
  control_plane: 'control plane',
  task_author: 'task author',
  operator: 'operator',
  cluster: 'cluster',
}

const INTRODUCTION = `# Why a task can fail

Generated from src/model/reasons.ts by \`npm run docs\`; do not edit.

\`failure_reason\` of a \`task_failed\` callback, \`reason\` in REST, the label \`reason\` of \`jobhook_verdicts_total\`. \`phase\` says how far the task had come, \`retryable\` whether the same
assignment may succeed when it is sent again as it is: the usual case; a verdict may know better (an image that does not exist, a task that used up its own disk).
jobhook never runs a task again on its own account: it says, the control plane decides.
`

export function reasonsReference(): string {
  const rows = (Object.entries(REASONS) as [string, Reason][]).map(
    ([code, reason]) =>
      `| \`${code}\` | ${reason.phase} | ${WHO[reason.fixedBy]} | ${reason.retryable ? 'yes' : 'no'} | ${reason.remedy.replaceAll('|', '\\|')} |\n`,
  )
  return `${INTRODUCTION}\n| reason | phase | who can fix it | retryable | what to do |\n|---|---|---|---|---|\n${rows.join('')}`
}
