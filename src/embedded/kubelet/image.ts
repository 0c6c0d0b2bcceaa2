/** Image references: nothing is pulled here, but a reference that no registry could serve must fail as it would on a node. Pure. */

export interface ImageProblem {
  reason: 'InvalidImageName' | 'ErrImagePull' | 'ErrImageNeverPull'
  message: string
}

const COMPONENT = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*'
const DOMAIN = '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*(?::[0-9]+)?'
const REFERENCE = new RegExp(
  `^(?:${DOMAIN}/)?${COMPONENT}(?:/${COMPONENT})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?$`,
)

/** Registries under `.invalid` (RFC 2606: never resolved) stand for images that cannot be pulled, so that this failure can be shown. */
const UNREACHABLE = /^(?:[a-z0-9-]+\.)*invalid(?::\d+)?\//

export function imageProblem(image: string, pullPolicy: string): ImageProblem | null {
  if (!REFERENCE.test(image)) {
    return {
      reason: 'InvalidImageName',
      message: `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
    }
  }
  if (!UNREACHABLE.test(image)) return null
  if (pullPolicy === 'Never')
    return { reason: 'ErrImageNeverPull', message: `Container image "${image}" is not present with pull policy of Never` }
  const host = image.slice(0, image.indexOf('/'))
  return {
    reason: 'ErrImagePull',
    message: `failed to pull and unpack image "${image}": failed to resolve reference "${image}": dial tcp: lookup ${host}: no such host`,
  }
}
