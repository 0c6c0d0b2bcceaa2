/**
 * The fields of the objects this cluster keeps and what they are made of,
 * as the v1 APIs of Kubernetes 1.37 define them. Data only: decode.ts checks bodies against it, strategic merge patches find their merge keys in it.
 * Each entry lists `field:type`. A type is a word: `[]T` a list that a patch replaces, `[]T@key` one it merges by that key, `[]T+` one it merges as a set, `{}T` a map, `~` marks
 * a list or struct whose patches carry $retainKeys.
 * `=2` is its number in the protobuf form that some kubectl commands send; `=1.2` is field 2 of the message in field 1.
 */
export const objectTypes: Readonly<Record<string, string>> = {
  Pod: 'apiVersion:string kind:string metadata:ObjectMeta=1 spec:PodSpec=2 status:PodStatus=3',
  Secret: 'apiVersion:string data:{}bytes=2 immutable:bool=5 kind:string metadata:ObjectMeta=1 stringData:{}string=4 type:string=3',
  ConfigMap: 'apiVersion:string binaryData:{}bytes=3 data:{}string=2 immutable:bool=4 kind:string metadata:ObjectMeta=1',
  Event:
    'action:string=12 apiVersion:string count:int32=8 eventTime:microtime=10 firstTimestamp:time=6 involvedObject:ObjectReference=2 kind:string lastTimestamp:time=7 message:string=4 metadata:ObjectMeta=1 reason:string=3 related:ObjectReference=13 reportingComponent:string=14 reportingInstance:string=15 series:EventSeries=11 source:EventSource=5 type:string=9',
  Namespace: 'apiVersion:string kind:string metadata:ObjectMeta=1 spec:NamespaceSpec=2 status:NamespaceStatus=3',
  Job: 'apiVersion:string kind:string metadata:ObjectMeta=1 spec:JobSpec=2 status:JobStatus=3',
  Lease: 'apiVersion:string kind:string metadata:ObjectMeta=1 spec:LeaseSpec=2',
  SelfSubjectAccessReview:
    'apiVersion:string kind:string metadata:ObjectMeta=1 spec:SelfSubjectAccessReviewSpec=2 status:SubjectAccessReviewStatus=3',
  DeleteOptions:
    'apiVersion:string dryRun:[]string=5 gracePeriodSeconds:int64=1 ignoreStoreReadErrorWithClusterBreakingPotential:bool=6 kind:string orphanDependents:bool=3 preconditions:Preconditions=2 propagationPolicy:string=4',
  ObjectMeta:
    'annotations:{}string=12 creationTimestamp:time=8 deletionGracePeriodSeconds:int64=10 deletionTimestamp:time=9 finalizers:[]string+=14 generateName:string=2 generation:int64=7 labels:{}string=11 managedFields:[]ManagedFieldsEntry=17 name:string=1 namespace:string=3 ownerReferences:[]OwnerReference@uid=13 resourceVersion:string=6 selfLink:string=4 uid:string=5',
  PodSpec:
    'activeDeadlineSeconds:int64=5 affinity:Affinity=18 automountServiceAccountToken:bool=21 containers:[]Container@name=2 dnsConfig:PodDNSConfig=26 dnsPolicy:string=6 enableServiceLinks:bool=30 ephemeralContainers:[]EphemeralContainer@name=34 evictionResponders:[]EvictionResponder@name=44 hostAliases:[]HostAlias@ip=23 hostIPC:bool=13 hostNetwork:bool=11 hostPID:bool=12 hostUsers:bool=37 hostname:string=16 hostnameOverride:string=41 imagePullSecrets:[]LocalObjectReference@name=15 initContainers:[]Container@name=20 nodeName:string=10 nodeSelector:{}string=7 os:PodOS=36 overhead:{}quantity=32 preemptionPolicy:string=31 priority:int32=25 priorityClassName:string=24 readinessGates:[]PodReadinessGate=28 resourceClaims:[]PodResourceClaim@name~=39 resources:ResourceRequirements=40 restartPolicy:string=3 runtimeClassName:string=29 schedulerName:string=19 schedulingGates:[]PodSchedulingGate@name=38 schedulingGroup:PodSchedulingGroup=43 securityContext:PodSecurityContext=14 serviceAccount:string=9 serviceAccountName:string=8 setHostnameAsFQDN:bool=35 shareProcessNamespace:bool=27 subdomain:string=17 terminationGracePeriodSeconds:int64=4 tolerations:[]Toleration=22 topologySpreadConstraints:[]TopologySpreadConstraint@topologyKey=33 volumes:[]Volume@name~=1',
  PodStatus:
    'allocatedResources:{}quantity=19 conditions:[]PodCondition@type=2 containerStatuses:[]ContainerStatus=8 ephemeralContainerStatuses:[]ContainerStatus=13 extendedResourceClaimStatus:PodExtendedResourceClaimStatus=18 hostIP:string=5 hostIPs:[]HostIP@ip=16 initContainerStatuses:[]ContainerStatus=10 message:string=3 nodeAllocatableResourceClaimStatuses:[]NodeAllocatableResourceClaimStatus@resourceClaimName=21 nominatedNodeName:string=11 observedGeneration:int64=17 phase:string=1 podIP:string=6 podIPs:[]PodIP@ip=12 qosClass:string=9 reason:string=4 resize:string=14 resourceClaimStatuses:[]PodResourceClaimStatus@name~=15 resources:ResourceRequirements=20 startTime:time=7 volumeHealth:[]PodVolumeHealth=22',
  ObjectReference:
    'apiVersion:string=5 fieldPath:string=7 kind:string=1 name:string=3 namespace:string=2 resourceVersion:string=6 uid:string=4',
  EventSeries: 'count:int32=1 lastObservedTime:microtime=2',
  EventSource: 'component:string=1 host:string=2',
  NamespaceSpec: 'finalizers:[]string=1',
  NamespaceStatus: 'conditions:[]NamespaceCondition@type=2 phase:string=1',
  JobSpec:
    'activeDeadlineSeconds:int64=3 backoffLimit:int32=7 backoffLimitPerIndex:int32=12 completionMode:string=9 completions:int32=2 managedBy:string=15 manualSelector:bool=5 maxFailedIndexes:int32=13 parallelism:int32=1 podFailurePolicy:PodFailurePolicy=11 podReplacementPolicy:string=14 scheduling:JobSchedulingConfiguration=17 selector:LabelSelector=4 successPolicy:SuccessPolicy=16 suspend:bool=10 template:PodTemplateSpec=6 ttlSecondsAfterFinished:int32=8',
  JobStatus:
    'active:int32=4 completedIndexes:string=7 completionTime:time=3 conditions:[]JobCondition@type=1 failed:int32=6 failedIndexes:string=10 ready:int32=9 startTime:time=2 succeeded:int32=5 terminating:int32=11 uncountedTerminatedPods:UncountedTerminatedPods=8',
  LeaseSpec:
    'acquireTime:microtime=3 holderIdentity:string=1 leaseDurationSeconds:int32=2 leaseTransitions:int32=5 preferredHolder:string=7 renewTime:microtime=4 strategy:string=6',
  SelfSubjectAccessReviewSpec: 'nonResourceAttributes:NonResourceAttributes=2 resourceAttributes:ResourceAttributes=1',
  SubjectAccessReviewStatus: 'allowed:bool=1 denied:bool=4 evaluationError:string=3 reason:string=2',
  Preconditions: 'resourceVersion:string uid:string=1',
  ManagedFieldsEntry:
    'apiVersion:string=3 fieldsType:string=6 fieldsV1:any=7 manager:string=1 operation:string=2 subresource:string=8 time:time=4',
  OwnerReference: 'apiVersion:string=5 blockOwnerDeletion:bool=7 controller:bool=6 kind:string=1 name:string=3 uid:string=4',
  Affinity: 'nodeAffinity:NodeAffinity=1 podAffinity:PodAffinity=2 podAntiAffinity:PodAntiAffinity=3',
  Container:
    'args:[]string=4 command:[]string=3 env:[]EnvVar@name=7 envFrom:[]EnvFromSource=19 image:string=2 imagePullPolicy:string=14 lifecycle:Lifecycle=12 livenessProbe:Probe=10 name:string=1 ports:[]ContainerPort@containerPort=6 readinessProbe:Probe=11 resizePolicy:[]ContainerResizePolicy=23 resources:ResourceRequirements=8 restartPolicy:string=24 restartPolicyRules:[]ContainerRestartRule=25 securityContext:SecurityContext=15 startupProbe:Probe=22 stdin:bool=16 stdinOnce:bool=17 terminationMessagePath:string=13 terminationMessagePolicy:string=20 tty:bool=18 volumeDevices:[]VolumeDevice@devicePath=21 volumeMounts:[]VolumeMount@mountPath=9 workingDir:string=5',
  PodDNSConfig: 'nameservers:[]string=1 options:[]PodDNSConfigOption=3 searches:[]string=2',
  EphemeralContainer:
    'args:[]string=1.4 command:[]string=1.3 env:[]EnvVar@name=1.7 envFrom:[]EnvFromSource=1.19 image:string=1.2 imagePullPolicy:string=1.14 lifecycle:Lifecycle=1.12 livenessProbe:Probe=1.10 name:string=1.1 ports:[]ContainerPort@containerPort=1.6 readinessProbe:Probe=1.11 resizePolicy:[]ContainerResizePolicy=1.23 resources:ResourceRequirements=1.8 restartPolicy:string=1.24 restartPolicyRules:[]ContainerRestartRule=1.25 securityContext:SecurityContext=1.15 startupProbe:Probe=1.22 stdin:bool=1.16 stdinOnce:bool=1.17 targetContainerName:string=2 terminationMessagePath:string=1.13 terminationMessagePolicy:string=1.20 tty:bool=1.18 volumeDevices:[]VolumeDevice@devicePath=1.21 volumeMounts:[]VolumeMount@mountPath=1.9 workingDir:string=1.5',
  EvictionResponder: 'name:string=1 priority:int32=2',
  HostAlias: 'hostnames:[]string=2 ip:string=1',
  LocalObjectReference: 'name:string=1',
  PodOS: 'name:string=1',
  PodReadinessGate: 'conditionType:string=1',
  PodResourceClaim: 'name:string=1 resourceClaimName:string=3 resourceClaimTemplateName:string=4',
  ResourceRequirements: 'claims:[]ResourceClaim=3 limits:{}quantity=1 requests:{}quantity=2',
  PodSchedulingGate: 'name:string=1',
  PodSchedulingGroup: 'podGroupName:string=1',
  PodSecurityContext:
    'appArmorProfile:AppArmorProfile=11 fsGroup:int64=5 fsGroupChangePolicy:string=9 runAsGroup:int64=6 runAsNonRoot:bool=3 runAsUser:int64=2 seLinuxChangePolicy:string=13 seLinuxOptions:SELinuxOptions=1 seccompProfile:SeccompProfile=10 supplementalGroups:[]int64=4 supplementalGroupsPolicy:string=12 sysctls:[]Sysctl=7 windowsOptions:WindowsSecurityContextOptions=8',
  Toleration: 'effect:string=4 key:string=1 operator:string=2 tolerationSeconds:int64=5 value:string=3',
  TopologySpreadConstraint:
    'labelSelector:LabelSelector=4 matchLabelKeys:[]string=8 maxSkew:int32=1 minDomains:int32=5 nodeAffinityPolicy:string=6 nodeTaintsPolicy:string=7 topologyKey:string=2 whenUnsatisfiable:string=3',
  PodCondition:
    'lastProbeTime:time=3 lastTransitionTime:time=4 message:string=6 observedGeneration:int64=7 reason:string=5 status:string=2 type:string=1',
  ContainerStatus:
    'allocatedResources:{}quantity=10 allocatedResourcesStatus:[]ResourceStatus@name=14 containerID:string=8 image:string=6 imageID:string=7 lastState:ContainerState=3 name:string=1 ready:bool=4 resources:ResourceRequirements=11 restartCount:int32=5 started:bool=9 state:ContainerState=2 stopSignal:string=15 user:ContainerUser=13 volumeMounts:[]VolumeMountStatus@mountPath=12',
  PodExtendedResourceClaimStatus: 'requestMappings:[]ContainerExtendedResourceRequest=1 resourceClaimName:string=2',
  HostIP: 'ip:string=1',
  NodeAllocatableResourceClaimStatus:
    'containers:[]string=2 mapping:[]NodeAllocatableMappedResources@name=4 overhead:[]NodeAllocatableOverheadResources@name=5 resourceClaimName:string=1',
  PodIP: 'ip:string=1',
  PodResourceClaimStatus: 'name:string=1 resourceClaimName:string=2',
  NamespaceCondition: 'lastTransitionTime:time=4 message:string=6 reason:string=5 status:string=2 type:string=1',
  PodFailurePolicy: 'rules:[]PodFailurePolicyRule=1',
  JobSchedulingConfiguration:
    'disruptionMode:WorkloadPodGroupDisruptionMode=3 resourceClaims:[]WorkloadPodGroupResourceClaim@name=4 schedulingConstraints:WorkloadPodGroupSchedulingConstraints=2 schedulingPolicy:WorkloadPodGroupSchedulingPolicy=1',
  LabelSelector: 'matchExpressions:[]LabelSelectorRequirement=2 matchLabels:{}string=1',
  SuccessPolicy: 'rules:[]SuccessPolicyRule=1',
  PodTemplateSpec: 'metadata:ObjectMeta=1 spec:PodSpec=2',
  JobCondition: 'lastProbeTime:time=3 lastTransitionTime:time=4 message:string=6 reason:string=5 status:string=2 type:string=1',
  UncountedTerminatedPods: 'failed:[]string=2 succeeded:[]string=1',
  NonResourceAttributes: 'path:string=1 verb:string=2',
  ResourceAttributes:
    'fieldSelector:FieldSelectorAttributes=8 group:string=3 labelSelector:LabelSelectorAttributes=9 name:string=7 namespace:string=1 resource:string=5 subresource:string=6 verb:string=2 version:string=4',
  NodeAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]PreferredSchedulingTerm=2 requiredDuringSchedulingIgnoredDuringExecution:NodeSelector=1',
  PodAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm=2 requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm=1',
  PodAntiAffinity:
    'preferredDuringSchedulingIgnoredDuringExecution:[]WeightedPodAffinityTerm=2 requiredDuringSchedulingIgnoredDuringExecution:[]PodAffinityTerm=1',
  EnvVar: 'name:string=1 value:string=2 valueFrom:EnvVarSource=3',
  EnvFromSource: 'configMapRef:ConfigMapEnvSource=2 prefix:string=1 secretRef:SecretEnvSource=3',
  Lifecycle: 'postStart:LifecycleHandler=1 preStop:LifecycleHandler=2 stopSignal:string=3',
  Probe:
    'exec:ExecAction=1.1 failureThreshold:int32=6 grpc:GRPCAction=1.4 httpGet:HTTPGetAction=1.2 initialDelaySeconds:int32=2 periodSeconds:int32=4 successThreshold:int32=5 tcpSocket:TCPSocketAction=1.3 terminationGracePeriodSeconds:int64=7 timeoutSeconds:int32=3',
  ContainerPort: 'containerPort:int32=3 hostIP:string=5 hostPort:int32=2 name:string=1 protocol:string=4',
  ContainerResizePolicy: 'resourceName:string=1 restartPolicy:string=2',
  ContainerRestartRule: 'action:string=1 exitCodes:ContainerRestartRuleOnExitCodes=2',
  SecurityContext:
    'allowPrivilegeEscalation:bool=7 appArmorProfile:AppArmorProfile=12 capabilities:Capabilities=1 privileged:bool=2 procMount:string=9 readOnlyRootFilesystem:bool=6 runAsGroup:int64=8 runAsNonRoot:bool=5 runAsUser:int64=4 seLinuxOptions:SELinuxOptions=3 seccompProfile:SeccompProfile=11 windowsOptions:WindowsSecurityContextOptions=10',
  PodDNSConfigOption: 'name:string=1 value:string=2',
  ResourceClaim: 'name:string=1 request:string=2',
  AppArmorProfile: 'localhostProfile:string=2 type:string=1',
  SELinuxOptions: 'level:string=4 role:string=2 type:string=3 user:string=1',
  SeccompProfile: 'localhostProfile:string=2 type:string=1',
  Sysctl: 'name:string=1 value:string=2',
  WindowsSecurityContextOptions: 'gmsaCredentialSpec:string=2 gmsaCredentialSpecName:string=1 hostProcess:bool=4 runAsUserName:string=3',
  ResourceStatus: 'name:string=1 resources:[]ResourceHealth=2',
  ContainerState: 'running:ContainerStateRunning=2 terminated:ContainerStateTerminated=3 waiting:ContainerStateWaiting=1',
  ContainerUser: 'linux:LinuxContainerUser=1',
  ContainerExtendedResourceRequest: 'containerName:string=1 requestName:string=3 resourceName:string=2',
  NodeAllocatableMappedResources: 'name:string=1 quantity:quantity=2',
  NodeAllocatableOverheadResources: 'name:string=1 perContainer:quantity=3 perPod:quantity=2',
  PodFailurePolicyRule:
    'action:string=1 onExitCodes:PodFailurePolicyOnExitCodesRequirement=2 onPodConditions:[]PodFailurePolicyOnPodConditionsPattern=3',
  WorkloadPodGroupDisruptionMode: 'all:WorkloadPodGroupAllDisruptionMode single:WorkloadPodGroupSingleDisruptionMode',
  WorkloadPodGroupResourceClaim: 'name:string resourceClaimName:string resourceClaimTemplateName:string',
  WorkloadPodGroupSchedulingConstraints: 'topology:[]TopologyConstraint',
  WorkloadPodGroupSchedulingPolicy: 'basic:WorkloadPodGroupBasicSchedulingPolicy gang:WorkloadPodGroupGangSchedulingPolicy',
  LabelSelectorRequirement: 'key:string=1 operator:string=2 values:[]string=3',
  SuccessPolicyRule: 'succeededCount:int32=2 succeededIndexes:string=1',
  FieldSelectorAttributes: 'rawSelector:string=1 requirements:[]FieldSelectorRequirement=2',
  LabelSelectorAttributes: 'rawSelector:string=1 requirements:[]LabelSelectorRequirement=2',
  PreferredSchedulingTerm: 'preference:NodeSelectorTerm=2 weight:int32=1',
  NodeSelector: 'nodeSelectorTerms:[]NodeSelectorTerm=1',
  WeightedPodAffinityTerm: 'podAffinityTerm:PodAffinityTerm=2 weight:int32=1',
  PodAffinityTerm:
    'labelSelector:LabelSelector=1 matchLabelKeys:[]string=5 mismatchLabelKeys:[]string=6 namespaceSelector:LabelSelector=4 namespaces:[]string=2 topologyKey:string=3',
  EnvVarSource:
    'configMapKeyRef:ConfigMapKeySelector=3 fieldRef:ObjectFieldSelector=1 fileKeyRef:FileKeySelector=5 resourceFieldRef:ResourceFieldSelector=2 secretKeyRef:SecretKeySelector=4',
  LifecycleHandler: 'exec:ExecAction=1 httpGet:HTTPGetAction=2 sleep:SleepAction=4 tcpSocket:TCPSocketAction=3',
  ExecAction: 'command:[]string=1',
  GRPCAction: 'mode:string=3 port:int32=1 service:string=2',
  HTTPGetAction: 'host:string=3 httpHeaders:[]HTTPHeader=5 path:string=1 port:intOrString=2 protocol:string=6 scheme:string=4',
  TCPSocketAction: 'host:string=2 port:intOrString=1',
  ContainerRestartRuleOnExitCodes: 'operator:string=1 values:[]int32=2',
  Capabilities: 'add:[]string=1 drop:[]string=2',
  KeyToPath: 'key:string=1 mode:int32=3 path:string=2 user:int64=4',
  ResourceHealth: 'health:string=2 message:string=6 resourceID:string=1',
  ContainerStateRunning: 'startedAt:time=1',
  ContainerStateTerminated:
    'containerID:string=7 exitCode:int32=1 finishedAt:time=6 message:string=4 reason:string=3 signal:int32=2 startedAt:time=5',
  ContainerStateWaiting: 'message:string=2 reason:string=1',
  LinuxContainerUser: 'gid:int64=2 supplementalGroups:[]int64=3 uid:int64=1',
  PodFailurePolicyOnExitCodesRequirement: 'containerName:string=1 operator:string=2 values:[]int32=3',
  PodFailurePolicyOnPodConditionsPattern: 'status:string=2 type:string=1',
  WorkloadPodGroupAllDisruptionMode: '',
  WorkloadPodGroupSingleDisruptionMode: '',
  TopologyConstraint: 'key:string',
  WorkloadPodGroupBasicSchedulingPolicy: '',
  WorkloadPodGroupGangSchedulingPolicy: 'minCount:int32',
  FieldSelectorRequirement: 'key:string=1 operator:string=2 values:[]string=3',
  NodeSelectorTerm: 'matchExpressions:[]NodeSelectorRequirement=1 matchFields:[]NodeSelectorRequirement=2',
  ConfigMapKeySelector: 'key:string=2 name:string=1.1 optional:bool=3',
  ObjectFieldSelector: 'apiVersion:string=1 fieldPath:string=2',
  FileKeySelector: 'key:string=3 optional:bool=4 path:string=2 volumeName:string=1',
  ResourceFieldSelector: 'containerName:string=1 divisor:quantity=3 resource:string=2',
  SecretKeySelector: 'key:string=2 name:string=1.1 optional:bool=3',
  SleepAction: 'seconds:int64=1',
  HTTPHeader: 'name:string=1 value:string=2',
  NodeSelectorRequirement: 'key:string=1 operator:string=2 values:[]string=3',
  TypedLocalObjectReference: 'apiGroup:string=1 kind:string=2 name:string=3',
  TypedObjectReference: 'apiGroup:string=1 kind:string=2 name:string=3 namespace:string=4',
}
