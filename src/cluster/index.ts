// The cluster stage's public face.
export { connectCluster } from './connect.ts'
export type { KubeConfigSource } from './kubeconfig.ts'
export type { Cluster } from './operations.ts'
