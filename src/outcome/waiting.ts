// What a waiting container's reason means: as what it fails and how long it is given. Source: the kubelet (images/types.go, kuberuntime) writes
// these words to Pod v1 containerStatuses[].state.waiting.reason.
import type { FailureReason } from '../model/reasons.ts'
import { IMAGE_FORBIDDEN, IMAGE_NOT_FOUND } from './retryable.ts'

/**
 * settle: it cannot get better by itself; a few seconds, in case somebody is just editing.
 * confirm: it is wrong until somebody mends it; the kubelet has tried again several times.
 * pull, prepare: it may be the node's or the registry's trouble; the whole deadline.
 */
export type Patience = 'settle' | 'confirm' | 'pull' | 'prepare'

export const SETTLE_SECONDS = 5
/** The kubelet tries an image again after 10, 20 and 40 s, a container after 10 to 15 s: after a minute it has said so several times. */
export const CONFIRM_SECONDS = 60

export interface Trouble {
  reason: FailureReason
  patience: Patience
  /** What is wrong, to be put before Kubernetes' own text. */
  what: string
}

const TROUBLES: Readonly<Record<string, Trouble>> = {
  InvalidImageName: { reason: 'invalid_image', patience: 'settle', what: 'is no valid image reference' },
  ErrImageNeverPull: { reason: 'image_pull', patience: 'settle', what: 'is not on the node, and imagePullPolicy is Never' },
  ErrImagePull: { reason: 'image_pull', patience: 'pull', what: 'could not be pulled' },
  ImagePullBackOff: { reason: 'image_pull', patience: 'pull', what: 'could not be pulled' },
  RegistryUnavailable: { reason: 'image_pull', patience: 'pull', what: 'could not be pulled: the registry does not answer' },
  ImageInspectError: { reason: 'image_pull', patience: 'pull', what: 'could not be inspected on the node' },
  SignatureValidationFailed: { reason: 'image_pull', patience: 'confirm', what: 'has no valid signature' },
  CreateContainerConfigError: { reason: 'container_create', patience: 'confirm', what: 'could not be configured' },
  PreCreateHookError: { reason: 'container_create', patience: 'prepare', what: 'could not be created' },
  CreateContainerError: { reason: 'container_create', patience: 'prepare', what: 'could not be created' },
  PreStartHookError: { reason: 'container_start', patience: 'prepare', what: 'could not be started' },
  RunContainerError: { reason: 'container_start', patience: 'prepare', what: 'could not be started' },
  PostStartHookError: { reason: 'container_start', patience: 'prepare', what: 'was stopped: its postStart hook failed' },
  CrashLoopBackOff: { reason: 'init_container', patience: 'prepare', what: 'ends again and again' },
}

/** The usual way to the start: nothing is wrong yet. An empty reason is a container whose state is not known yet. */
const USUAL: ReadonlySet<string> = new Set(['', 'ContainerCreating', 'PodInitializing'])

export function isUsualWait(reason: string): boolean {
  return USUAL.has(reason)
}

/** Null for the usual waits, and for words we do not know: those are kept waiting until their phase's deadline. */
export function troubleOf(reason: string, message: string): Trouble | null {
  const trouble = Object.hasOwn(TROUBLES, reason) ? TROUBLES[reason] : undefined
  if (!trouble) return null
  if (trouble.reason === 'image_pull' && trouble.patience === 'pull') {
    const missing = IMAGE_NOT_FOUND.test(message)
    const forbidden = IMAGE_FORBIDDEN.test(message)
    if (missing && forbidden) return { ...trouble, patience: 'confirm', what: 'does not exist, or the registry does not let us read it' }
    if (missing) return { ...trouble, patience: 'confirm', what: 'was not found in the registry' }
    if (forbidden) return { ...trouble, patience: 'confirm', what: 'may not be pulled: the registry refuses our credentials' }
  }
  // Some runtimes look for the command when they create the container.
  if (reason === 'CreateContainerError' && /executable file|no such file/i.test(message))
    return { reason: 'container_start', patience: 'confirm', what: 'could not be started' }
  return trouble
}
