// What to try while `jobhook demo --keep` leaves everything running: commands ready to be pasted. Text only.
import { join, relative } from 'node:path'
import type { Stage } from './setup.ts'

export function keepLines(options: { stage: Stage; jobhook: string; controlPlane: string; job: string | null }): string[] {
  const { jobhook, controlPlane, job } = options
  const { files, folder } = options.stage
  // This very command line, so that it works from a checkout and from a package alike.
  const command = [process.execPath, process.argv[1] ?? ''].map((path) => relative(process.cwd(), path)).join(' ')
  return [
    '',
    'Everything is still running. In another terminal, in this folder:',
    '',
    '  # the page: the tasks as they run, their timelines and logs',
    `  ${jobhook}/ui`,
    `  cat ${files.token}    # the token to log in with`,
    '',
    '  # the tasks, by REST; and what happens to them, as it happens',
    `  curl -sS -H "authorization: Bearer $(cat ${files.token})" ${jobhook}/v1/tasks`,
    `  curl -sSN -H "authorization: Bearer $(cat ${files.token})" ${jobhook}/v1/events`,
    '',
    '  # the Jobs and Pods behind them (where kubectl is installed)',
    `  export KUBECONFIG=${files.kubeconfig}`,
    '  kubectl get jobs,pods',
    ...(job ? [`  kubectl describe job ${job}`, `  kubectl logs job/${job}`] : []),
    '',
    '  # a task of your own through the control plane, and what it heard',
    `  curl -sS -d '{"assignment":{"task_id":"mine-1","command":["/bin/sh","-c"],"args":["echo hello; sleep 5"]}}' ${controlPlane}/tasks`,
    `  curl -sS ${controlPlane}/state`,
    '',
    '  # or a webhook signed by hand',
    `  echo '{"type":"task_assignment","data":{"task_id":"mine-2","command":["/bin/date"]}}' > ${join(folder, 'task.json')}`,
    `  ${command} sign ${join(folder, 'task.json')} --secret "$(cat ${files.webhookSecret})" --url ${jobhook}/v1/webhook | sh`,
    '',
    `Configuration and logs: ${folder} (removed at the end). Ctrl-C ends everything.`,
  ]
}
