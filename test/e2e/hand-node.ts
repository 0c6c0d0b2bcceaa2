// Nodes without a kubelet and without kwok: the scheduler places Pods there, and what becomes of them is written by the test, in the words a kubelet
// would write. One Pod a node, so that what is done to a node is done to one task.
import { createApi } from '../cluster/harness/api.ts'

// biome-ignore lint/suspicious/noExplicitAny: raw objects of the API
type Raw = any

const TAINT = 'jobhook.dev/hand'
const now = (): string => `${new Date().toISOString().slice(0, 19)}Z`

export interface HandNodes {
  /** More of backend.kubernetes: where the tasks' Pods go. */
  podTemplate: Record<string, unknown>
  /** The task's Pod, once it has a node. */
  podOf(jobName: string): Promise<Raw | null>
  /** As the kubelet would. */
  writeStatus(pod: Raw, status: object): Promise<void>
  evict(pod: Raw): Promise<void>
  delete(pod: Raw, options?: object): Promise<void>
  /** Marks its node so that the taint manager deletes what does not tolerate it. */
  taint(pod: Raw): Promise<void>
  close(): Promise<void>
}

export async function startHandNodes(options: { adminKubeconfig: string; namespace: string; nodes: number }): Promise<HandNodes> {
  const api = createApi(options.adminKubeconfig)
  const pods = `/api/v1/namespaces/${options.namespace}/pods`
  const names = Array.from({ length: options.nodes }, (_, index) => `hand-${process.pid}-${index}`)
  const label = { 'jobhook.dev/hand': String(process.pid) }
  const amounts = { cpu: '8', memory: '8Gi', pods: '1' }
  await Promise.all(
    names.map(async (name) => {
      await api.create('/api/v1/nodes', {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name, labels: { ...label, 'kubernetes.io/os': 'linux' } },
        spec: { taints: [{ key: TAINT, effect: 'NoSchedule' }] },
      })
      await api.patch(`/api/v1/nodes/${name}/status`, {
        status: {
          capacity: amounts,
          allocatable: amounts,
          conditions: [{ type: 'Ready', status: 'True', reason: 'HandMade', lastHeartbeatTime: now(), lastTransitionTime: now() }],
        },
      })
    }),
  )

  /** What runs is ended as by SIGTERM; what never ran stays as it is. */
  function lastStatus({ status }: Raw): object {
    const containerStatuses = (status.containerStatuses ?? []).map((each: Raw) =>
      each.state?.running
        ? {
            ...each,
            ready: false,
            state: { terminated: { exitCode: 143, reason: 'Error', startedAt: each.state.running.startedAt, finishedAt: now() } },
          }
        : each,
    )
    return { phase: status.phase === 'Succeeded' ? 'Succeeded' : 'Failed', containerStatuses }
  }

  /** A kubelet's last deed: what is to be deleted is ended, then deleted for good. */
  let ending = true
  const kubelet = (async () => {
    while (ending) {
      const { items } = await api.get<Raw>(pods).catch(() => ({ items: [] }))
      for (const pod of items) {
        if (pod.metadata.deletionTimestamp && names.includes(pod.spec.nodeName)) {
          await api.patch(`${pods}/${pod.metadata.name}/status`, { status: lastStatus(pod) }).catch(() => {})
          await api.request('DELETE', `${pods}/${pod.metadata.name}`, { gracePeriodSeconds: 0 }).catch(() => {})
        }
      }
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
  })()

  return {
    podTemplate: {
      nodeSelector: label,
      tolerations: [{ key: TAINT, operator: 'Exists' }],
      containers: [{ name: 'task' }],
      terminationGracePeriodSeconds: 5,
    },
    async podOf(jobName) {
      const { items } = await api.get<Raw>(`${pods}?labelSelector=batch.kubernetes.io%2Fjob-name%3D${jobName}`)
      return items.find((pod: Raw) => pod.spec.nodeName) ?? null
    },
    writeStatus: (pod, status) => api.patch(`${pods}/${pod.metadata.name}/status`, { status }),
    async evict({ metadata }) {
      await api.create(`${pods}/${metadata.name}/eviction`, {
        apiVersion: 'policy/v1',
        kind: 'Eviction',
        metadata: { name: metadata.name, namespace: options.namespace },
      })
    },
    async delete({ metadata }, how = {}) {
      const { status, text } = await api.request('DELETE', `${pods}/${metadata.name}`, how)
      if (status > 299) throw new Error(text)
    },
    taint: ({ spec }) =>
      api.patch(`/api/v1/nodes/${spec.nodeName}`, {
        spec: {
          taints: [
            { key: TAINT, effect: 'NoSchedule' },
            { key: 'out-of-order', effect: 'NoExecute' },
          ],
        },
      }),
    async close() {
      ending = false
      await kubelet
      await Promise.all(names.map((name) => api.remove(`/api/v1/nodes/${name}`)))
    },
  }
}
