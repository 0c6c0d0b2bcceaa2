// What to try while `jobhook demo --keep` leaves everything running: commands ready to be pasted. Text only.
import { join } from 'node:path'
import type { Stage } from './setup.ts'

export function keepLines({ stage, jobhook, controlPlane }: { stage: Stage; jobhook: string; controlPlane: string }): string[] {
  const { files, folder } = stage
  return [
    '',
    'Everything is still running. In another terminal, in this folder:',
    '',
    '  # the tasks, and one’s log, by REST',
    `  curl -H "authorization: Bearer $(cat ${files.token})" ${jobhook}/v1/tasks`,
    '',
    '  # the Jobs and Pods behind them (where kubectl is installed)',
    `  export KUBECONFIG=${files.kubeconfig}`,
    '  kubectl get jobs,pods',
    '  kubectl describe job -l app.kubernetes.io/name=jobhook-task',
    '',
    '  # a task of your own through the control plane, and what it heard',
    `  curl -d '{"assignment":{"task_id":"mine-1","command":["/bin/sh","-c"],"args":["echo hello; sleep 5"]}}' ${controlPlane}/tasks`,
    `  curl ${controlPlane}/state`,
    '',
    '  # or a webhook signed by hand',
    `  echo '{"type":"task_assignment","data":{"task_id":"mine-2","command":["/bin/date"]}}' > ${join(folder, 'task.json')}`,
    `  npx jobhook sign ${join(folder, 'task.json')} --secret "$(cat ${files.webhookSecret})" --url ${jobhook}/v1/webhook | sh`,
    '',
    `Configuration and logs: ${folder} (removed at the end). Ctrl-C ends everything.`,
  ]
}
