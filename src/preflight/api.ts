// What preflight needs of the cluster and of the configuration, handed in by the composition root. Types only.
import type { V1Job, V1Secret } from '@kubernetes/client-node'
import type { KubeObject, KubeResult } from '../model/kube-api.ts'
import type { ResourceRule } from './permissions.ts'

export interface AccessAttributes {
  verb: string
  group?: string
  resource: string
  subresource?: string
  namespace: string
}

/** Operations of the cluster; each is one request, and none throws for an answer. */
export interface PreflightApi {
  namespace: string
  versionAndDate(): Promise<KubeResult<{ gitVersion: string | undefined; dateMs: number | null }>>
  whoAmI(): Promise<KubeResult<string | null>>
  reviewRules(): Promise<KubeResult<{ resourceRules?: ResourceRule[]; incomplete?: boolean }>>
  reviewAccess(attributes: AccessAttributes): Promise<KubeResult<boolean>>
  dryRun(resource: 'jobs' | 'secrets' | 'pods', object: unknown): Promise<KubeResult<KubeObject>>
  getNamespace(): Promise<KubeResult<KubeObject>>
  listQuotas(): Promise<KubeResult<unknown[]>>
  listLimitRanges(): Promise<KubeResult<unknown[]>>
}

/** Manifests of one imagined task. */
export interface Sample {
  job: V1Job
  secret: V1Secret | null
}

/** Imagined tasks of this configuration, built as real ones are. */
export interface Samples {
  /** What every task is at least. */
  plain: Sample
  /** With a sidecar image and a secret variable besides. */
  full: Sample
  /** As plain, with a tiny and a huge instance_shape: an assignment may ask for less or more than the configuration does. */
  small: Sample
  large: Sample
  /** Whether every image in `plain` comes from the configuration: a policy on images says nothing about one that is made up. */
  imagesConfigured: boolean
}
