// Wires what people see and do of deliveries: the list, the gauge of dead letters, replays.
import { messageId } from '../callback/index.ts'
import { projectJob } from '../model/project.ts'
import { createDeliveries as create } from '../reconcile/index.ts'
import type { Shared } from './shared.ts'

export function createDeliveries({ common, informer, cluster, reader }: Shared) {
  return create({
    ...common,
    tasks: informer.tasks,
    synced: informer.synced,
    getJob: cluster.getJob,
    patchJob: cluster.patchJobAndRead,
    projectJob,
    present: reader.present,
    messageId: (jobUid) => messageId(jobUid, 'verdict'),
  })
}
