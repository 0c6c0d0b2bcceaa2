/** The few things the suite needs from a kubeconfig: where, which namespace, which token. Certificates of users and exec plugins are not for it. */
import { readFileSync } from 'node:fs'
import { parse } from 'yaml'

export interface Connection {
  url: string
  namespace: string
  token: string | null
  ca: string | null
  insecure: boolean
}

interface Kubeconfig {
  'current-context': string
  clusters: {
    name: string
    cluster: {
      server: string
      'insecure-skip-tls-verify'?: boolean
      'certificate-authority'?: string
      'certificate-authority-data'?: string
    }
  }[]
  users: { name: string; user: { token?: string; tokenFile?: string } }[]
  contexts: { name: string; context: { cluster: string; user: string; namespace?: string } }[]
}

export function readKubeconfig(file: string): Connection {
  const config = parse(readFileSync(file, 'utf8')) as Kubeconfig
  const context = config.contexts.find((item) => item.name === config['current-context'])?.context
  const cluster = config.clusters.find((item) => item.name === context?.cluster)?.cluster
  const user = config.users.find((item) => item.name === context?.user)?.user
  if (context === undefined || cluster === undefined) throw new Error(`${file}: no current context with a cluster`)
  const caFile = cluster['certificate-authority']
  const caData = cluster['certificate-authority-data']
  return {
    url: cluster.server.replace(/\/$/, ''),
    namespace: context.namespace ?? 'default',
    token: user?.token ?? (user?.tokenFile === undefined ? null : readFileSync(user.tokenFile, 'utf8').trim()),
    ca: caData === undefined ? (caFile === undefined ? null : readFileSync(caFile, 'utf8')) : Buffer.from(caData, 'base64').toString(),
    insecure: cluster['insecure-skip-tls-verify'] === true,
  }
}
