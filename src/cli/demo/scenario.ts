// The demo's 20 tasks and the verdict each must get. Data only. The embedded cluster runs the commands as local processes.

export interface Expectation {
  kind: 'completed' | 'failed' | 'cancelled'
  /** failure_reason of a failed one. */
  reason?: string
  exitCode?: number
}

export interface DemoTask {
  id: string
  /** Shown in the table, at most 23 characters. */
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
  ['runs without a shell', { command: ['/bin/echo'], args: ['$(literal)', 'text'] }, completed],
  ['logs 1000 lines', shell('i=0; while [ $i -lt 1000 ]; do i=$((i+1)); echo line $i; done'), completed],
  ['writes to both outputs', shell('echo out; echo err >&2'), completed],
  ['needs a secret variable', { ...shell('test "$TOKEN" = demo-secret'), env_vars: { TOKEN: 'demo-secret' } }, completed],
  ['is delivered twice', shell('sleep 1; echo ran once'), completed, 'redeliver'],
  ['must be reported twice', shell('echo reported again under the same id'), completed, 'loses_first_answer'],
  ['exits with code 3', shell('echo about to fail; exit 3'), { kind: 'failed', reason: 'container_exit', exitCode: 3 }],
  ['fails after 1 second', shell('sleep 1; echo broken >&2; exit 1'), { kind: 'failed', reason: 'container_exit', exitCode: 1 }],
  ['missing command', { command: ['/no/such/command'] }, { kind: 'failed', reason: 'container_start' }],
  ['missing script', shell('no-such-script'), { kind: 'failed', reason: 'container_exit', exitCode: 127 }],
  [
    'image nobody can pull',
    { ...shell('echo never'), docker_image: 'registry.invalid/no/such:1' },
    { kind: 'failed', reason: 'image_pull' },
  ],
  ['is killed by a signal', shell('kill -KILL $$'), { kind: 'failed', reason: 'container_exit', exitCode: 137 }],
  ['overruns its 2 s limit', { ...shell('sleep 60'), timeout_seconds: 2 }, { kind: 'failed', reason: 'task_timeout' }],
  ['cancelled while running', shell('sleep 60'), { kind: 'cancelled' }, 'cancel_when_started'],
  ['cancelled, then exits 0', shell('trap "exit 0" TERM; sleep 60 & wait'), { kind: 'cancelled' }, 'cancel_when_started'],
]

export const SCENARIO: readonly DemoTask[] = ROWS.map(([what, assignment, expected, twist], index) => ({
  id: `t-${String(index + 1).padStart(2, '0')}`,
  what,
  expected,
  assignment,
  ...(twist ? { twist } : {}),
}))
