// Pods written by the benchmark itself, where no controller runs: a Job's Pod as the Job controller makes it, and its states as a kubelet reports them.
import type { RawClient } from './kube.ts'
import { podsPath } from './kube.ts'

export interface JobRef {
  name: string
  uid: string
  labels: Record<string, string>
}

export async function createPod(client: RawClient, namespace: string, job: JobRef): Promise<void> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `${job.name}-abcde`,
      namespace,
      labels: { ...job.labels, 'batch.kubernetes.io/job-name': job.name, 'batch.kubernetes.io/controller-uid': job.uid },
      ownerReferences: [{ apiVersion: 'batch/v1', kind: 'Job', name: job.name, uid: job.uid, controller: true, blockOwnerDeletion: true }],
    },
    spec: {
      automountServiceAccountToken: false,
      restartPolicy: 'Never',
      containers: [
        {
          name: 'task',
          image: 'registry.local/task:1',
          command: ['/bin/sh', '-c'],
          args: ['make test'],
          workingDir: '/workspace',
          env: [
            { name: 'DEPLOY_KEY', valueFrom: { secretKeyRef: { name: `${job.name}-nonce`, key: 'DEPLOY_KEY' } } },
            { name: 'GITHUB_ACCESS_TOKEN', valueFrom: { secretKeyRef: { name: `${job.name}-nonce`, key: 'GITHUB_ACCESS_TOKEN' } } },
          ],
          volumeMounts: [{ name: 'workspace', mountPath: '/workspace' }],
        },
      ],
      volumes: [{ name: 'workspace', emptyDir: {} }],
    },
  }
  const { status, text } = await client.send('POST', podsPath(namespace), JSON.stringify(pod))
  if (status !== 201) throw new Error(`a Pod could not be made: ${status} ${text}`)
}

export async function setPodState(client: RawClient, namespace: string, jobName: string, state: 'running' | 'succeeded'): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
  const container =
    state === 'running'
      ? { running: { startedAt: now } }
      : { terminated: { exitCode: 0, reason: 'Completed', startedAt: now, finishedAt: now } }
  const body = {
    status: {
      phase: state === 'running' ? 'Running' : 'Succeeded',
      conditions: [
        { type: 'PodScheduled', status: 'True', lastTransitionTime: now },
        { type: 'Ready', status: state === 'running' ? 'True' : 'False', lastTransitionTime: now },
      ],
      containerStatuses: [
        { name: 'task', image: 'registry.local/task:1', imageID: '', ready: state === 'running', restartCount: 0, state: container },
      ],
    },
  }
  const path = `${podsPath(namespace)}/${jobName}-abcde/status`
  const { status, text } = await client.send('PATCH', path, JSON.stringify(body), 'application/merge-patch+json')
  if (status !== 200) throw new Error(`a Pod's state could not be written: ${status} ${text}`)
}
