// A service with a past and a present for the browser to look at: finished tasks of the last hours, some under way, one whose report is dead.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CALLBACK_SECRET, type Jobhook, startJobhook, TOKEN } from '../support/jobhook.ts'
import { somePast, writePast } from '../support/past.ts'
import { type Receiver, startReceiver } from '../support/receiver.ts'

export const READER = 'reader-token-0123456789'

export interface Stage {
  jobhook: Jobhook
  receiver: Receiver
  submit(task: {
    taskId: string
    script: string
    title?: string
    labels?: Record<string, string>
    envVars?: Record<string, string>
  }): Promise<string>
  state(id: string): Promise<string>
  /** SIGKILL, then the same service again at the same address. */
  killAndRestart(meanwhile: () => Promise<void>): Promise<void>
  strike(): Promise<void>
}

export async function setStage(options: { workerId: string; past: number; spreadSeconds: number; limits?: object }): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-browser-'))
  writePast(join(folder, 'state'), options.workerId, somePast(options.past, options.spreadSeconds))
  const receiver = await startReceiver(CALLBACK_SECRET)
  const config = {
    worker_id: options.workerId,
    cluster: 'embedded',
    embedded: { kubeconfig_file: join(folder, 'kubeconfig'), data_dir: join(folder, 'state') },
    backend: { kubernetes: { default_image: 'registry.example/dev:1.4' } },
    callback: { url: receiver.url, secrets: [CALLBACK_SECRET], schedule: [0] },
    api: {
      tokens: [
        { name: 'ada', token: TOKEN, scopes: ['admin'] },
        { name: 'guest', token: READER, scopes: ['read'] },
      ],
    },
    ...(options.limits ? { limits: options.limits } : {}),
  }
  let jobhook = await startJobhook(config)
  return {
    get jobhook() {
      return jobhook
    },
    receiver,
    async killAndRestart(meanwhile) {
      const listen = new URL(jobhook.url).host
      await jobhook.kill()
      await meanwhile()
      jobhook = await startJobhook({ ...config, listen })
    },
    async submit({ taskId, script, title, labels, envVars }) {
      const { status, body } = await jobhook.rest('POST', '/v1/tasks', {
        task_id: taskId,
        ...(title === undefined ? {} : { task: { title } }),
        ...(labels ? { labels } : {}),
        ...(envVars ? { env_vars: envVars } : {}),
        command: ['/bin/sh', '-c'],
        args: [script],
      })
      if (status !== 202) throw new Error(`the task was answered ${status}: ${JSON.stringify(body)}`)
      return body.id
    },
    state: async (id) => (await jobhook.rest('GET', `/v1/tasks/${id}`)).body.state,
    async strike() {
      await jobhook.stop()
      await receiver.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
