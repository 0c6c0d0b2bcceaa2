// Exit codes and signals: what a number says to a person. Linux numbers (x86 and arm), whatever jobhook itself runs on.
import type { ContainerState } from '../model/kube.ts'

const NAMES =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  )

const LAST_SIGNAL = 64

/** SIGKILL for 9. A number without a name is given as it is. */
export function signalName(signal: number): string {
  const name = NAMES[signal - 1]
  return name === undefined ? `signal ${signal}` : `SIG${name}`
}

/** Status normalised to 128+signal. Source: Pod v1 containerStatuses[].state.terminated. */
export function exitCodeOf(end: Extract<ContainerState, { kind: 'terminated' }>): number {
  return end.signal === null ? end.exitCode : 128 + end.signal
}

/** The signal an exit code stands for, or null. 255 and its like are no signals. */
export function signalOf(exitCode: number): string | null {
  return exitCode > 128 && exitCode <= 128 + LAST_SIGNAL ? signalName(exitCode - 128) : null
}

/** “exit code 143 (SIGTERM)”. */
export function describeExit(exitCode: number): string {
  const signal = signalOf(exitCode)
  return signal === null ? `exit code ${exitCode}` : `exit code ${exitCode} (${signal})`
}
