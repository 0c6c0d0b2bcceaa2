// The cluster stage's public face.
export { connectCluster } from './connect.ts'
export type { KubeConfigSource } from './kubeconfig.ts'
export { type LogTail, readLogTail } from './log-tail.ts'
export type { Cluster } from './operations.ts'
