// Writes kubeconfig files: the server's own certificate as the CA, a token as the identity.
import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'

export interface KubeconfigParts {
  /** The `cluster` entry as it stands in a kubeconfig: server and CA. */
  cluster: object
  user: string
  token: string
  namespace: string
}

export function writeKubeconfig(path: string, parts: KubeconfigParts): void {
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'jobhook-test', cluster: parts.cluster }],
    users: [{ name: parts.user, user: { token: parts.token } }],
    contexts: [{ name: parts.user, context: { cluster: 'jobhook-test', user: parts.user, namespace: parts.namespace } }],
    'current-context': parts.user,
  }
  writeFileSync(path, stringify(config), { mode: 0o600 })
}
