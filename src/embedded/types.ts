/** The few shapes of Kubernetes objects that the embedded cluster itself reads. Not the whole API: everything else in an object is carried as it came. */

export type JsonObject = { [field: string]: unknown }

export interface OwnerReference {
  apiVersion: string
  kind: string
  name: string
  uid: string
  controller?: boolean
  blockOwnerDeletion?: boolean
}

export interface ObjectMeta {
  name: string
  namespace?: string
  generateName?: string
  uid: string
  resourceVersion: string
  generation?: number
  creationTimestamp: string
  deletionTimestamp?: string
  deletionGracePeriodSeconds?: number
  labels?: Record<string, string>
  annotations?: Record<string, string>
  finalizers?: string[]
  ownerReferences?: OwnerReference[]
  [field: string]: unknown
}

export interface KubeObject {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  [field: string]: unknown
}

export interface Condition {
  type: string
  status: 'True' | 'False' | 'Unknown'
  reason?: string
  message?: string
  lastProbeTime?: string | null
  lastTransitionTime?: string
}

export interface KeySelector {
  name?: string
  key: string
  optional?: boolean
}

export interface EnvVar {
  name: string
  value?: string
  valueFrom?: {
    secretKeyRef?: KeySelector
    configMapKeyRef?: KeySelector
    fieldRef?: { fieldPath: string }
    resourceFieldRef?: { resource: string; containerName?: string; divisor?: string }
  }
}

export interface EnvFromSource {
  prefix?: string
  secretRef?: { name?: string; optional?: boolean }
  configMapRef?: { name?: string; optional?: boolean }
}

export interface LifecycleHandler {
  exec?: { command?: string[] }
  sleep?: { seconds: number }
}

export interface Container {
  name: string
  image?: string
  imagePullPolicy?: string
  command?: string[]
  args?: string[]
  workingDir?: string
  env?: EnvVar[]
  envFrom?: EnvFromSource[]
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[]
  lifecycle?: { preStop?: LifecycleHandler; postStart?: LifecycleHandler }
  terminationMessagePath?: string
  terminationMessagePolicy?: string
  restartPolicy?: string
  resources?: { limits?: Record<string, string | number>; requests?: Record<string, string | number> }
}

export interface KeyToPath {
  key: string
  path: string
}

export interface Volume {
  name: string
  emptyDir?: JsonObject
  secret?: { secretName?: string; items?: KeyToPath[]; optional?: boolean }
  configMap?: { name?: string; items?: KeyToPath[]; optional?: boolean }
  [source: string]: unknown
}

export interface PodSpec {
  containers: Container[]
  initContainers?: Container[]
  volumes?: Volume[]
  restartPolicy?: string
  nodeName?: string
  nodeSelector?: Record<string, string>
  schedulingGates?: { name: string }[]
  serviceAccountName?: string
  activeDeadlineSeconds?: number
  terminationGracePeriodSeconds?: number
  [field: string]: unknown
}

export interface ContainerState {
  waiting?: { reason?: string; message?: string }
  running?: { startedAt: string }
  terminated?: {
    exitCode: number
    signal?: number
    reason?: string
    message?: string
    startedAt: string
    finishedAt: string
    containerID?: string
  }
}

export interface ContainerStatus {
  name: string
  image: string
  imageID: string
  containerID?: string
  ready: boolean
  started?: boolean
  restartCount: number
  state: ContainerState
  lastState: ContainerState
}

export interface PodStatus {
  phase: string
  reason?: string
  message?: string
  conditions?: Condition[]
  startTime?: string
  hostIP?: string
  podIP?: string
  qosClass?: string
  containerStatuses?: ContainerStatus[]
  initContainerStatuses?: ContainerStatus[]
  [field: string]: unknown
}

export interface Pod extends KubeObject {
  spec: PodSpec
  status: PodStatus
}

export interface LabelSelector {
  matchLabels?: Record<string, string>
  matchExpressions?: { key: string; operator: string; values?: string[] }[]
}

export interface PodFailurePolicyRule {
  action: string
  onExitCodes?: { containerName?: string; operator: string; values: number[] }
  onPodConditions?: { type: string; status?: string }[]
}

export interface JobSpec {
  parallelism?: number
  completions?: number
  backoffLimit?: number
  activeDeadlineSeconds?: number
  ttlSecondsAfterFinished?: number
  suspend?: boolean
  completionMode?: string
  podReplacementPolicy?: string
  podFailurePolicy?: { rules: PodFailurePolicyRule[] }
  managedBy?: string
  manualSelector?: boolean
  selector?: LabelSelector
  template: { metadata?: Partial<ObjectMeta>; spec: PodSpec }
}

export interface JobStatus {
  conditions?: Condition[]
  startTime?: string
  completionTime?: string
  active?: number
  succeeded?: number
  failed?: number
  ready?: number
  terminating?: number
  uncountedTerminatedPods?: JsonObject
}

export interface Job extends KubeObject {
  spec: JobSpec
  status: JobStatus
}
