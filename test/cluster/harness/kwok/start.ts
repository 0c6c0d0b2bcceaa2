// Starts kwok and its nodes: Pods by the thousand whose life is written by stages.yaml. A Pod must select and tolerate such a node.
import { join } from 'node:path'
import type { Api } from '../api.ts'
import type { Processes } from '../processes.ts'

/** What a Pod needs in its spec to be placed on a kwok node, and never on the real one. */
export const kwokPlacement = {
  nodeSelector: { type: 'kwok' },
  tolerations: [{ key: 'kwok.x-k8s.io/node', operator: 'Exists', effect: 'NoSchedule' }],
}

export async function startKwok(
  kwok: string,
  options: { nodes: number; kubeconfig: string },
  deps: { api: Api; processes: Processes },
): Promise<void> {
  deps.processes.start({
    name: 'kwok',
    command: kwok,
    args: [
      `--kubeconfig=${options.kubeconfig}`,
      '--manage-all-nodes=false', // the real node is its kubelet's
      '--manage-nodes-with-label-selector=type=kwok',
      '--node-lease-duration-seconds=40',
      '--node-ip=198.51.100.1', // an address for documentation: it goes nowhere
      '--node-port=0', // no server of its own
      '--cidr=10.128.0.1/12',
      `--config=${join(import.meta.dirname, 'stages.yaml')}`,
    ],
  })
  for (let index = 0; index < options.nodes; index++) await deps.api.create('/api/v1/nodes', kwokNode(`kwok-${index}`))
}

function kwokNode(name: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { type: 'kwok', 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' } },
    spec: { taints: [{ key: 'kwok.x-k8s.io/node', value: 'fake', effect: 'NoSchedule' }] },
  }
}
