// The demo's 20 tasks and the verdict each must get. Data only. The embedded cluster runs the commands as local processes.

export interface Expectation {
  kind: 'completed' | 'failed' | 'cancelled'
  /** failure_reason of a failed one. */
  reason?: string
  exitCode?: number
}

export interface DemoTask {
  id: string
  /** Shown in the table, at most 28 characters. */
  what: string
  expected: Expectation
  /** `data` of the assignment besides task_id and title. */
  assignment: Record<string, unknown>
  /** What the control plane does besides pushing it once. */
  twist?: 'cancel_when_started' | 'redeliver' | 'loses_first_answer'
}

const completed: Expectation = { kind: 'completed', exitCode: 0 }
const shell = (script: string): Record<string, unknown> => ({ command: ['/bin/sh', '-c'], args: [script] })

type Row = [what: string, assignment: Record<string, unknown>, expected: Expectation, twist?: DemoTask['twist']]

const ROWS: Row[] = [
  ['prints a line', shell('echo hello from a Job'), completed],
  ['works for 1 second', shell('sleep 1; echo done'), completed],
  ['works for 2 seconds', shell('sleep 2; echo done'), completed],
  ['works for 3 seconds', shell('sleep 3; echo done'), completed],
  ['takes no time at all', { command: ['/bin/true'] }, completed],
  ['has no shell in its command', { command: ['/bin/echo'], args: ['$(literal)', 'text'] }, completed],
  ['counts to 1000 in its log', shell('i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done'), completed],
  ['writes to both outputs', shell('echo out; echo err >&2'), completed],
  ['needs a secret variable', { ...shell('test "$TOKEN" = demo-secret'), env_vars: { TOKEN: 'demo-secret' } }, completed],
  ['has a child that fails', shell('false || echo recovered'), completed],
  ['is delivered twice', shell('sleep 1; echo ran once'), completed, 'redeliver'],
  ['its report must be sent twice', shell('echo reported again under the same id'), completed, 'loses_first_answer'],
  ['exits with code 3', shell('echo about to fail; exit 3'), { kind: 'failed', reason: 'container_exit', exitCode: 3 }],
  ['exits with code 1 at the end', shell('sleep 1; echo broken >&2; exit 1'), { kind: 'failed', reason: 'container_exit', exitCode: 1 }],
  ['names a missing command', { command: ['/no/such/command'] }, { kind: 'failed', reason: 'container_start' }],
  ['names a missing script', shell('no-such-script'), { kind: 'failed', reason: 'container_exit', exitCode: 127 }],
  ['is killed by a signal', shell('kill -KILL $$'), { kind: 'failed', reason: 'container_exit', exitCode: 137 }],
  ['overruns its 2 s limit', { ...shell('sleep 60'), timeout_seconds: 2 }, { kind: 'failed', reason: 'task_timeout' }],
  ['is cancelled while it runs', shell('sleep 60'), { kind: 'cancelled' }, 'cancel_when_started'],
  ['cancelled, exits 0 when told', shell('trap "exit 0" TERM; sleep 60 & wait'), { kind: 'cancelled' }, 'cancel_when_started'],
]

export const SCENARIO: readonly DemoTask[] = ROWS.map(([what, assignment, expected, twist], index) => ({
  id: `t-${String(index + 1).padStart(2, '0')}`,
  what,
  expected,
  assignment,
  ...(twist ? { twist } : {}),
}))
