/**
 * The fields of volume sources,
 * as the v1 APIs of Kubernetes 1.37 define them. Data only: decode.ts checks bodies against it, strategic merge patches find their merge keys in it.
 * Each entry lists `field:type`. A type is a word: `[]T` a list that a patch replaces, `[]T@key` one it merges by that key, `[]T+` one it merges as a set, `{}T` a map, `~` marks
 * a list or struct whose patches carry $retainKeys.
 */
export const volumeTypes: Readonly<Record<string, string>> = {
  Volume:
    'awsElasticBlockStore:AWSElasticBlockStoreVolumeSource azureDisk:AzureDiskVolumeSource azureFile:AzureFileVolumeSource cephfs:CephFSVolumeSource cinder:CinderVolumeSource configMap:ConfigMapVolumeSource csi:CSIVolumeSource downwardAPI:DownwardAPIVolumeSource emptyDir:EmptyDirVolumeSource ephemeral:EphemeralVolumeSource fc:FCVolumeSource flexVolume:FlexVolumeSource flocker:FlockerVolumeSource gcePersistentDisk:GCEPersistentDiskVolumeSource gitRepo:GitRepoVolumeSource glusterfs:GlusterfsVolumeSource hostPath:HostPathVolumeSource image:ImageVolumeSource iscsi:ISCSIVolumeSource name:string nfs:NFSVolumeSource persistentVolumeClaim:PersistentVolumeClaimVolumeSource photonPersistentDisk:PhotonPersistentDiskVolumeSource portworxVolume:PortworxVolumeSource projected:ProjectedVolumeSource quobyte:QuobyteVolumeSource rbd:RBDVolumeSource scaleIO:ScaleIOVolumeSource secret:SecretVolumeSource storageos:StorageOSVolumeSource vsphereVolume:VsphereVirtualDiskVolumeSource',
  PodVolumeHealth: 'healthConditions:[]VolumeHealthCondition@status lastTransitionTime:time name:string',
  VolumeDevice: 'devicePath:string name:string',
  VolumeMount:
    'bindMountOptions:[]string mountPath:string mountPropagation:string name:string readOnly:bool recursiveReadOnly:string subPath:string subPathExpr:string',
  AWSElasticBlockStoreVolumeSource: 'fsType:string partition:int32 readOnly:bool volumeID:string',
  AzureDiskVolumeSource: 'cachingMode:string diskName:string diskURI:string fsType:string kind:string readOnly:bool',
  AzureFileVolumeSource: 'readOnly:bool secretName:string shareName:string',
  CephFSVolumeSource: 'monitors:[]string path:string readOnly:bool secretFile:string secretRef:LocalObjectReference user:string',
  CinderVolumeSource: 'fsType:string readOnly:bool secretRef:LocalObjectReference volumeID:string',
  ConfigMapVolumeSource: 'defaultMode:int32 defaultUser:int64 items:[]KeyToPath name:string optional:bool',
  CSIVolumeSource: 'driver:string fsType:string nodePublishSecretRef:LocalObjectReference readOnly:bool volumeAttributes:{}string',
  DownwardAPIVolumeSource: 'defaultMode:int32 defaultUser:int64 items:[]DownwardAPIVolumeFile',
  EmptyDirVolumeSource: 'medium:string mode:int32 sizeLimit:quantity',
  EphemeralVolumeSource: 'volumeClaimTemplate:PersistentVolumeClaimTemplate',
  FCVolumeSource: 'fsType:string lun:int32 readOnly:bool targetWWNs:[]string wwids:[]string',
  FlexVolumeSource: 'driver:string fsType:string options:{}string readOnly:bool secretRef:LocalObjectReference',
  FlockerVolumeSource: 'datasetName:string datasetUUID:string',
  GCEPersistentDiskVolumeSource: 'fsType:string partition:int32 pdName:string readOnly:bool',
  GitRepoVolumeSource: 'directory:string repository:string revision:string',
  GlusterfsVolumeSource: 'endpoints:string path:string readOnly:bool',
  HostPathVolumeSource: 'path:string type:string',
  ImageVolumeSource: 'pullPolicy:string reference:string',
  ISCSIVolumeSource:
    'chapAuthDiscovery:bool chapAuthSession:bool fsType:string initiatorName:string iqn:string iscsiInterface:string lun:int32 portals:[]string readOnly:bool secretRef:LocalObjectReference targetPortal:string',
  NFSVolumeSource: 'path:string readOnly:bool server:string',
  PersistentVolumeClaimVolumeSource: 'claimName:string readOnly:bool',
  PhotonPersistentDiskVolumeSource: 'fsType:string pdID:string',
  PortworxVolumeSource: 'fsType:string readOnly:bool volumeID:string',
  ProjectedVolumeSource: 'defaultMode:int32 defaultUser:int64 sources:[]VolumeProjection',
  QuobyteVolumeSource: 'group:string readOnly:bool registry:string tenant:string user:string volume:string',
  RBDVolumeSource:
    'fsType:string image:string keyring:string monitors:[]string pool:string readOnly:bool secretRef:LocalObjectReference user:string',
  ScaleIOVolumeSource:
    'fsType:string gateway:string protectionDomain:string readOnly:bool secretRef:LocalObjectReference sslEnabled:bool storageMode:string storagePool:string system:string volumeName:string',
  SecretVolumeSource: 'defaultMode:int32 defaultUser:int64 items:[]KeyToPath optional:bool secretName:string',
  StorageOSVolumeSource: 'fsType:string readOnly:bool secretRef:LocalObjectReference volumeName:string volumeNamespace:string',
  VsphereVirtualDiskVolumeSource: 'fsType:string storagePolicyID:string storagePolicyName:string volumePath:string',
  VolumeMountStatus: 'mountPath:string name:string readOnly:bool recursiveReadOnly:string volumeStatus:VolumeStatus',
  VolumeHealthCondition: 'message:string reason:string status:string',
  ConfigMapEnvSource: 'name:string optional:bool',
  SecretEnvSource: 'name:string optional:bool',
  DownwardAPIVolumeFile: 'fieldRef:ObjectFieldSelector mode:int32 path:string resourceFieldRef:ResourceFieldSelector user:int64',
  PersistentVolumeClaimTemplate: 'metadata:ObjectMeta spec:PersistentVolumeClaimSpec',
  VolumeProjection:
    'clusterTrustBundle:ClusterTrustBundleProjection configMap:ConfigMapProjection downwardAPI:DownwardAPIProjection podCertificate:PodCertificateProjection secret:SecretProjection serviceAccountToken:ServiceAccountTokenProjection',
  VolumeStatus: 'image:ImageVolumeStatus',
  PersistentVolumeClaimSpec:
    'accessModes:[]string dataSource:TypedLocalObjectReference dataSourceRef:TypedObjectReference resources:VolumeResourceRequirements selector:LabelSelector storageClassName:string volumeAttributesClassName:string volumeMode:string volumeName:string',
  ClusterTrustBundleProjection: 'labelSelector:LabelSelector name:string optional:bool path:string signerName:string user:int64',
  ConfigMapProjection: 'items:[]KeyToPath name:string optional:bool',
  DownwardAPIProjection: 'items:[]DownwardAPIVolumeFile',
  PodCertificateProjection:
    'certificateChainPath:string credentialBundlePath:string keyPath:string keyType:string maxExpirationSeconds:int32 signerName:string user:int64 userAnnotations:{}string',
  SecretProjection: 'items:[]KeyToPath name:string optional:bool',
  ServiceAccountTokenProjection: 'audience:string expirationSeconds:int64 path:string user:int64',
  ImageVolumeStatus: 'imageRef:string',
  VolumeResourceRequirements: 'limits:{}quantity requests:{}quantity',
}
