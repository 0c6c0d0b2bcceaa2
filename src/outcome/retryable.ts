// Whether the same assignment may succeed if it is sent again as it is, where Kubernetes' own text says more than the reason alone.
// It reads only text that also lies in the stop mark, so that a replica that saw nothing of the Pod says the same.
import { reasonOf } from '../model/reasons.ts'

/** The registry answered and will answer the same: no such image, or no right to it. */
export const IMAGE_NOT_FOUND = /not found|manifest unknown|name unknown|no such image|does not exist|ErrImageNeverPull/i
export const IMAGE_FORBIDDEN =
  /unauthorized|forbidden|denied|authentication required|authorization failed|no basic auth|SignatureValidationFailed/i

/** A Secret, ConfigMap or key that the container names and nobody has made; a user the image may not run as. */
const CONFIG_MISSING = /not found|couldn't find key|non-existent|runAsNonRoot|run as root|executable file|no such file/i

/** The Pod used more than it had asked for: it will do so again. */
const OWN_USAGE = /exceeds the (total )?limit|exceeded its/i

export function isRetryable(reason: string, text: string): boolean {
  const usual = reasonOf(reason)?.retryable ?? false
  if (!usual) return false
  if (reason === 'image_pull') return !IMAGE_NOT_FOUND.test(text) && !IMAGE_FORBIDDEN.test(text)
  if (reason === 'container_create') return !CONFIG_MISSING.test(text)
  if (reason === 'evicted') return !OWN_USAGE.test(text)
  return true
}
