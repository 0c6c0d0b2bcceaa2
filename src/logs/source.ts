// Which container's log tells about a failure. Pure: from the Pod as the cache knows it.
import type { ContainerView, PodView } from '../model/kube.ts'

/** The runtime could not start it: there is nothing to read. */
const NEVER_RAN = new Set(['StartError', 'ContainerCannotRun'])

export function hasLog({ state, lastState }: ContainerView): boolean {
  if (state?.kind === 'running') return true
  if (state?.kind === 'terminated') return !NEVER_RAN.has(state.reason)
  return lastState?.kind === 'terminated' && !NEVER_RAN.has(lastState.reason)
}

/**
 * The container meant, if it ever ran; else the init container that did not let it: the one that runs, or the last that failed (the setup command,
 * a sidecar's copy). null when no log exists.
 */
export function logContainer(pod: PodView, meant: string): ContainerView | null {
  const container = pod.containers.find(({ name }) => name === meant)
  if (container && hasLog(container)) return container
  return (
    pod.containers.findLast(
      (each) =>
        each.role === 'init' &&
        hasLog(each) &&
        (each.state?.kind === 'running' || (each.state?.kind === 'terminated' && each.state.exitCode !== 0)),
    ) ?? null
  )
}
