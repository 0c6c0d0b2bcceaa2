/**
 * The fields of the objects this cluster keeps and what they are made of,
 * as the v1 APIs of Kubernetes 1.37 define them. Data only: decode.ts checks bodies against it, strategic merge patches find their merge keys in it.
 * Each entry lists `field:type`. A type is a word: `[]T` a list that a patch replaces, `[]T@key` one it merges by that key, `[]T+` one it merges as a set, `{}T` a map, `~` marks
 * a list or struct whose patches carry $retainKeys.
 */
export const objectTypes: Readonly<Record<string, string>> = {
  Pod: 'apiVersion:string kind:string metadata:ObjectMeta spec:PodSpec status:PodStatus',
  Secret: 'apiVersion:string data:{}bytes immutable:bool kind:string metadata:ObjectMeta stringData:{}string type:string',
  ConfigMap: 'apiVersion:string binaryData:{}bytes data:{}string immutable:bool kind:string metadata:ObjectMeta',
  Event:
    'action:string apiVersion:string count:int32 eventTime:microtime firstTimestamp:time involvedObject:ObjectReference kind:string lastTimestamp:time message:string metadata:ObjectMeta reason:string related:ObjectReference reportingComponent:string reportingInstance:string series:EventSeries source:EventSource type:string',
  Namespace: 'apiVersion:string kind:string metadata:ObjectMeta spec:NamespaceSpec status:NamespaceStatus',
  Job: 'apiVersion:string kind:string metadata:ObjectMeta spec:JobSpec status:JobStatus',
  Lease: 'apiVersion:string kind:string metadata:ObjectMeta spec:LeaseSpec',
  SelfSubjectAccessReview:
    'apiVersion:string kind:string metadata:ObjectMeta spec:SelfSubjectAccessReviewSpec status:SubjectAccessReviewStatus',
  DeleteOptions:
    'apiVersion:string dryRun:[]string gracePeriodSeconds:int64 ignoreStoreReadErrorWithClusterBreakingPotential:bool kind:string orphanDependents:bool preconditions:Preconditions propagationPolicy:string',
  ObjectMeta:
    'annotations:{}string creationTimestamp:time deletionGracePeriodSeconds:int64 deletionTimestamp:time finalizers:[]string+ generateName:string generation:int64 labels:{}string managedFields:[]ManagedFieldsEntry name:string namespace:string ownerReferences:[]OwnerReference@uid resourceVersion:string selfLink:string uid:string',
  PodSpec:
    'activeDeadlineSeconds:int64 affinity:Affinity automountServiceAccountToken:bool containers:[]Container@name dnsConfig:PodDNSConfig dnsPolicy:string enableServiceLinks:bool ephemeralContainers:[]EphemeralContainer@name evictionResponders:[]EvictionResponder@name hostAliases:[]HostAlias@ip hostIPC:bool hostNetwork:bool hostPID:bool hostUsers:bool hostname:string hostnameOverride:string imagePullSecrets:[]LocalObjectReference@name initContainers:[]Container@name nodeName:string nodeSelector:{}string os:PodOS overhead:{}quantity preemptionPolicy:string priority:int32 priorityClassName:string readinessGates:[]PodReadinessGate resourceClaims:[]PodResourceClaim@name~ resources:ResourceRequirements restartPolicy:string runtimeClassName:string schedulerName:string schedulingGates:[]PodSchedulingGate@name schedulingGroup:PodSchedulingGroup securityContext:PodSecurityContext serviceAccount:string serviceAccountName:string setHostnameAsFQDN:bool shareProcessNamespace:bool subdomain:string terminationGracePeriodSeconds:int64 tolerations:[]Toleration topologySpreadConstraints:[]TopologySpreadConstraint@topologyKey volumes:[]Volume@name~',
  PodStatus:
    'allocatedResources:{}quantity conditions:[]PodCondition@type containerStatuses:[]ContainerStatus ephemeralContainerStatuses:[]ContainerStatus extendedResourceClaimStatus:PodExtendedResourceClaimStatus hostIP:string hostIPs:[]HostIP@ip initContainerStatuses:[]ContainerStatus message:string nodeAllocatableResourceClaimStatuses:[]NodeAllocatableResourceClaimStatus@resourceClaimName nominatedNodeName:string observedGeneration:int64 phase:string podIP:string podIPs:[]PodIP@ip qosClass:string reason:string resize:string resourceClaimStatuses:[]PodResourceClaimStatus@name~ resources:ResourceRequirements startTime:time volumeHealth:[]PodVolumeHealth',
  ObjectReference: 'apiVersion:string fieldPath:string kind:string name:string namespace:string resourceVersion:string uid:string',
  EventSeries: 'count:int32 lastObservedTime:microtime',
  EventSource: 'component:string host:string',
  NamespaceSpec: 'finalizers:[]string',
  NamespaceStatus: 'conditions:[]NamespaceCondition@type phase:string',
  JobSpec:
    'activeDeadlineSeconds:int64 backoffLimit:int32 backoffLimitPerIndex:int32 completionMode:string completions:int32 managedBy:string manualSelector:bool maxFailedIndexes:int32 parallelism:int32 podFailurePolicy:PodFailurePolicy podReplacementPolicy:string scheduling:JobSchedulingConfiguration selector:LabelSelector successPolicy:SuccessPolicy suspend:bool template:PodTemplateSpec ttlSecondsAfterFinished:int32',
  JobStatus:
    'active:int32 completedIndexes:string completionTime:time conditions:[]JobCondition@type failed:int32 failedIndexes:string ready:int32 startTime:time succeeded:int32 terminating:int32 uncountedTerminatedPods:UncountedTerminatedPods',
  LeaseSpec:
    'acquireTime:microtime holderIdentity:string leaseDurationSeconds:int32 leaseTransitions:int32 preferredHolder:string renewTime:microtime strategy:string',
  SelfSubjectAccessReviewSpec: 'nonResourceAttributes:NonResourceAttributes resourceAttributes:ResourceAttributes',
  SubjectAccessReviewStatus: 'allowed:bool denied:bool evaluationError:string reason:string',
  Preconditions: 'resourceVersion:string uid:string',
  ManagedFieldsEntry: 'apiVersion:string fieldsType:string fieldsV1:any manager:string operation:string subresource:string time:time',
  OwnerReference: 'apiVersion:string blockOwnerDeletion:bool controller:bool kind:string name:string uid:string',
  Affinity: 'nodeAffinity:NodeAffinity podAffinity:PodAffinity podAntiAffinity:PodAntiAffinity',
  Container:
    'args:[]string command:[]string env:[]EnvVar@name envFrom:[]EnvFromSource image:string imagePullPolicy:string lifecycle:Lifecycle livenessProbe:Probe name:string ports:[]ContainerPort@containerPort readinessProbe:Probe resizePolicy:[]ContainerResizePolicy resources:ResourceRequirements restartPolicy:string restartPolicyRules:[]ContainerRestartRule securityContext:SecurityContext startupProbe:Probe stdin:bool stdinOnce:bool terminationMessagePath:string terminationMessagePolicy:string tty:bool volumeDevices:[]VolumeDevice@devicePath volumeMounts:[]VolumeMount@mountPath workingDir:string',
  PodDNSConfig: 'nameservers:[]string options:[]PodDNSConfigOption searches:[]string',
  EphemeralContainer:
    'args:[]string command:[]string env:[]EnvVar@name envFrom:[]EnvFromSource image:string imagePullPolicy:string lifecycle:Lifecycle livenessProbe:Probe name:string ports:[]ContainerPort@containerPort readinessProbe:Probe resizePolicy:[]ContainerResizePolicy resources:ResourceRequirements restartPolicy:string restartPolicyRules:[]ContainerRestartRule securityContext:SecurityContext startupProbe:Probe stdin:bool stdinOnce:bool targetContainerName:string terminationMessagePath:string terminationMessagePolicy:string tty:bool volumeDevices:[]VolumeDevice@devicePath volumeMounts:[]VolumeMount@mountPath workingDir:string',
  EvictionResponder: 'name:string priority:int32',
  HostAlias: 'hostnames:[]string ip:string',
  LocalObjectReference: 'name:string',
  PodOS: 'name:string',
  PodReadinessGate: 'conditionType:string',
  PodResourceClaim: 'name:string resourceClaimName:string resourceClaimTemplateName:string',
  ResourceRequirements: 'claims:[]ResourceClaim limits:{}quantity requests:{}quantity',
  PodSchedulingGate: 'name:string',
  PodSchedulingGroup: 'podGroupName:string',
  PodSecurityContext:
    'appArmorProfile:AppArmorProfile fsGroup:int64 fsGroupChangePolicy:string runAsGroup:int64 runAsNonRoot:bool runAsUser:int64 seLinuxChangePolicy:string seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile supplementalGroups:[]int64 supplementalGroupsPolicy:string sysctls:[]Sysctl windowsOptions:WindowsSecurityContextOptions',
  Toleration: 'effect:string key:string operator:string tolerationSeconds:int64 value:string',
  TopologySpreadConstraint:
    'labelSelector:LabelSelector matchLabelKeys:[]string maxSkew:int32 minDomains:int32 nodeAffinityPolicy:string nodeTaintsPolicy:string topologyKey:string whenUnsatisfiable:string',
  PodCondition:
    'lastProbeTime:time lastTransitionTime:time message:string observedGeneration:int64 reason:string status:string type:string',
  ContainerStatus:
    'allocatedResources:{}quantity allocatedResourcesStatus:[]ResourceStatus@name containerID:string image:string imageID:string lastState:ContainerState name:string ready:bool resources:ResourceRequirements restartCount:int32 started:bool state:ContainerState stopSignal:string user:ContainerUser volumeMounts:[]VolumeMountStatus@mountPath',
  PodExtendedResourceClaimStatus: 'requestMappings:[]ContainerExtendedResourceRequest resourceClaimName:string',
  HostIP: 'ip:string',
  NodeAllocatableResourceClaimStatus:
    'containers:[]string mapping:[]NodeAllocatableMappedResources@name overhead:[]NodeAllocatableOverheadResources@name resourceClaimName:string',
  PodIP: 'ip:string',
  PodResourceClaimStatus: 'name:string resourceClaimName:string',
  NamespaceCondition: 'lastTransitionTime:time message:string reason:string status:string type:string',
  PodFailurePolicy: 'rules:[]PodFailurePolicyRule',
  JobSchedulingConfiguration:
    'disruptionMode:WorkloadPodGroupDisruptionMode resourceClaims:[]WorkloadPodGroupResourceClaim@name schedulingConstraints:WorkloadPodGroupSchedulingConstraints schedulingPolicy:WorkloadPodGroupSchedulingPolicy',
  LabelSelector: 'matchExpressions:[]LabelSelectorRequirement matchLabels:{}string',
  SuccessPolicy: 'rules:[]SuccessPolicyRule',
  PodTemplateSpec: 'metadata:ObjectMeta spec:PodSpec',
  JobCondition: 'lastProbeTime:time lastTransitionTime:time message:string reason:string status:string type:string',
  UncountedTerminatedPods: 'failed:[]string succeeded:[]string',
  NonResourceAttributes: 'path:string verb:string',
  ResourceAttributes:
    'fieldSelector:FieldSelectorAttributes group:string labelSelector:LabelSelectorAttributes name:string namespace:string resource:string subresource:string verb:string version:string',
  NodeAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm requiredDuringSchedulingIgnoredDuringExecution:NodeSelector',
  PodAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm',
  PodAntiAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm',
  EnvVar: 'name:string value:string valueFrom:EnvVarSource',
  EnvFromSource: 'configMapRef:ConfigMapEnvSource prefix:string secretRef:SecretEnvSource',
  Lifecycle: 'postStart:LifecycleHandler preStop:LifecycleHandler stopSignal:string',
  Probe:
    'exec:ExecAction failureThreshold:int32 grpc:GRPCAction httpGet:HTTPGetAction initialDelaySeconds:int32 periodSeconds:int32 successThreshold:int32 tcpSocket:TCPSocketAction terminationGracePeriodSeconds:int64 timeoutSeconds:int32',
  ContainerPort: 'containerPort:int32 hostIP:string hostPort:int32 name:string protocol:string',
  ContainerResizePolicy: 'resourceName:string restartPolicy:string',
  ContainerRestartRule: 'action:string exitCodes:ContainerRestartRuleOnExitCodes',
  SecurityContext:
    'allowPrivilegeEscalation:bool appArmorProfile:AppArmorProfile capabilities:Capabilities privileged:bool procMount:string readOnlyRootFilesystem:bool runAsGroup:int64 runAsNonRoot:bool runAsUser:int64 seLinuxOptions:SELinuxOptions seccompProfile:SeccompProfile windowsOptions:WindowsSecurityContextOptions',
  PodDNSConfigOption: 'name:string value:string',
  ResourceClaim: 'name:string request:string',
  AppArmorProfile: 'localhostProfile:string type:string',
  SELinuxOptions: 'level:string role:string type:string user:string',
  SeccompProfile: 'localhostProfile:string type:string',
  Sysctl: 'name:string value:string',
  WindowsSecurityContextOptions: 'gmsaCredentialSpec:string gmsaCredentialSpecName:string hostProcess:bool runAsUserName:string',
  ResourceStatus: 'name:string resources:[]ResourceHealth',
  ContainerState: 'running:ContainerStateRunning terminated:ContainerStateTerminated waiting:ContainerStateWaiting',
  ContainerUser: 'linux:LinuxContainerUser',
  ContainerExtendedResourceRequest: 'containerName:string requestName:string resourceName:string',
  NodeAllocatableMappedResources: 'name:string quantity:quantity',
  NodeAllocatableOverheadResources: 'name:string perContainer:quantity perPod:quantity',
  PodFailurePolicyRule:
    'action:string onExitCodes:PodFailurePolicyOnExitCodesRequirement onPodConditions:[]PodFailurePolicyOnPodConditionsPattern',
  WorkloadPodGroupDisruptionMode: 'all:WorkloadPodGroupAllDisruptionMode single:WorkloadPodGroupSingleDisruptionMode',
  WorkloadPodGroupResourceClaim: 'name:string resourceClaimName:string resourceClaimTemplateName:string',
  WorkloadPodGroupSchedulingConstraints: 'topology:[]TopologyConstraint',
  WorkloadPodGroupSchedulingPolicy: 'basic:WorkloadPodGroupBasicSchedulingPolicy gang:WorkloadPodGroupGangSchedulingPolicy',
  LabelSelectorRequirement: 'key:string operator:string values:[]string',
  SuccessPolicyRule: 'succeededCount:int32 succeededIndexes:string',
  FieldSelectorAttributes: 'rawSelector:string requirements:[]FieldSelectorRequirement',
  LabelSelectorAttributes: 'rawSelector:string requirements:[]LabelSelectorRequirement',
  PreferredSchedulingTerm: 'preference:NodeSelectorTerm weight:int32',
  NodeSelector: 'nodeSelectorTerms:[]NodeSelectorTerm',
  WeightedPodAffinityTerm: 'podAffinityTerm:PodAffinityTerm weight:int32',
  PodAffinityTerm:
    'labelSelector:LabelSelector matchLabelKeys:[]string mismatchLabelKeys:[]string namespaceSelector:LabelSelector namespaces:[]string topologyKey:string',
  EnvVarSource:
    'configMapKeyRef:ConfigMapKeySelector fieldRef:ObjectFieldSelector fileKeyRef:FileKeySelector resourceFieldRef:ResourceFieldSelector secretKeyRef:SecretKeySelector',
  LifecycleHandler: 'exec:ExecAction httpGet:HTTPGetAction sleep:SleepAction tcpSocket:TCPSocketAction',
  ExecAction: 'command:[]string',
  GRPCAction: 'mode:string port:int32 service:string',
  HTTPGetAction: 'host:string httpHeaders:[]HTTPHeader path:string port:intOrString protocol:string scheme:string',
  TCPSocketAction: 'host:string port:intOrString',
  ContainerRestartRuleOnExitCodes: 'operator:string values:[]int32',
  Capabilities: 'add:[]string drop:[]string',
  KeyToPath: 'key:string mode:int32 path:string user:int64',
  ResourceHealth: 'health:string message:string resourceID:string',
  ContainerStateRunning: 'startedAt:time',
  ContainerStateTerminated: 'containerID:string exitCode:int32 finishedAt:time message:string reason:string signal:int32 startedAt:time',
  ContainerStateWaiting: 'message:string reason:string',
  LinuxContainerUser: 'gid:int64 supplementalGroups:[]int64 uid:int64',
  PodFailurePolicyOnExitCodesRequirement: 'containerName:string operator:string values:[]int32',
  PodFailurePolicyOnPodConditionsPattern: 'status:string type:string',
  WorkloadPodGroupAllDisruptionMode: '',
  WorkloadPodGroupSingleDisruptionMode: '',
  TopologyConstraint: 'key:string',
  WorkloadPodGroupBasicSchedulingPolicy: '',
  WorkloadPodGroupGangSchedulingPolicy: 'minCount:int32',
  FieldSelectorRequirement: 'key:string operator:string values:[]string',
  NodeSelectorTerm: 'matchExpressions:[]NodeSelectorRequirement matchFields:[]NodeSelectorRequirement',
  ConfigMapKeySelector: 'key:string name:string optional:bool',
  ObjectFieldSelector: 'apiVersion:string fieldPath:string',
  FileKeySelector: 'key:string optional:bool path:string volumeName:string',
  ResourceFieldSelector: 'containerName:string divisor:quantity resource:string',
  SecretKeySelector: 'key:string name:string optional:bool',
  SleepAction: 'seconds:int64',
  HTTPHeader: 'name:string value:string',
  NodeSelectorRequirement: 'key:string operator:string values:[]string',
  TypedLocalObjectReference: 'apiGroup:string kind:string name:string',
  TypedObjectReference: 'apiGroup:string kind:string name:string namespace:string',
}
