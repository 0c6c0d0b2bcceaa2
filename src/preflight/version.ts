// Which Kubernetes this is and what that means. Pure.
import { type CheckResult, failed, ok, warning } from './check.ts'

export interface KubeVersion {
  major: number
  minor: number
  /** As the API says it: v1.37.1, v1.31.4-eks-2d5f260, v1.30.2+k3s1. */
  text: string
}

/** podFailurePolicy is stable from here on, and the oldest minor anybody still patches is newer. */
const OLDEST_SUPPORTED_MINOR = 31
/** Image volumes are on by default from 1.35 and cannot be switched off from 1.36. */
const IMAGE_VOLUMES_MINOR = 36

/** null when the text is no Kubernetes version. Vendors add suffixes (v1.31.4-eks-2d5f260), and to `minor` a plus sign (31+), which is not read. */
export function parseVersion(gitVersion: string | undefined): KubeVersion | null {
  const match = /^v?(\d{1,3})\.(\d{1,3})(?:[.+-].*)?$/.exec(gitVersion ?? '')
  if (!match || gitVersion === undefined) return null
  return { major: Number(match[1]), minor: Number(match[2]), text: gitVersion }
}

export function judgeVersion(version: KubeVersion, server: string): CheckResult {
  const what = `Kubernetes ${version.text} at ${server}`
  if (version.major !== 1 || version.minor >= OLDEST_SUPPORTED_MINOR) return ok('api', what)
  return failed(
    'api',
    what,
    `jobhook is made for 1.${OLDEST_SUPPORTED_MINOR} and later`,
    `upgrade the cluster to 1.${OLDEST_SUPPORTED_MINOR} or later`,
  )
}

/** From here on a namespace's Pods are deleted before its other objects. */
const PODS_FIRST_MINOR = 33

/**
 * Only asked when Jobs bear our finalizer. Before 1.33 nothing says that a replica's Pod is told to go before the Jobs are, and a replica of ours that
 * is told first is what keeps a namespace from hanging.
 */
export function judgeNamespaceDeletion(version: KubeVersion, namespace: string): CheckResult[] {
  if (version.major !== 1 || version.minor >= PODS_FIRST_MINOR) return []
  return [
    warning(
      'namespace-deletion',
      `Kubernetes ${version.text} deletes what is in a namespace in no order`,
      'the namespace may hang on Jobs that still owe a report, with nobody left to let them go',
      `before "kubectl delete namespace ${namespace}" run jobhook release, or set job_finalizer: false`,
    ),
  ]
}

/**
 * Only asked when the configuration uses image volumes. `kept`: whether the API kept one in a dry-run; null when that could not be tried.
 * `proved`: whether a Pod will show that the nodes can mount them.
 */
export function judgeImageVolumes(version: KubeVersion, kept: boolean | null, proved = false): CheckResult {
  const name = 'image-volumes'
  const off = 'set backend.kubernetes.use_image_volumes: false, or upgrade the cluster to 1.36'
  if (kept === false)
    return failed(
      name,
      'the API drops image volumes',
      `Kubernetes ${version.text} has the feature ImageVolume switched off: sidecars would be missing in every task that has one`,
      off,
    )
  if (version.major === 1 && version.minor < IMAGE_VOLUMES_MINOR) {
    const why = `they are stable from 1.${IMAGE_VOLUMES_MINOR} on; this is ${version.text}, where kubelets may have them switched off`
    return kept === null
      ? failed(name, 'image volumes are not to be had here', why, off)
      : warning(name, 'image volumes are accepted by the API', why, off)
  }
  const accepted = 'image volumes are accepted by the API'
  const runtime =
    'whether the nodes’ runtime can mount them (containerd 2.1, CRI-O 1.33) only a Pod shows: set backend.kubernetes.preflight_image'
  return ok(name, proved ? accepted : `${accepted}; ${runtime}`)
}
