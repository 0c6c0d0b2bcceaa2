// Sets the demo's stage in a temporary folder: secrets, jobhook's configuration, the two other processes; and takes it all away again.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { request } from 'undici'
import { stringify } from 'yaml'
import { generateSecret } from '../../lib/standard-webhooks.ts'
import { fileContent, type Process, startProcess, waitFor } from './processes.ts'

const START_TIMEOUT_MS = 30_000

export interface Stage {
  folder: string
  files: { config: string; webhookSecret: string; callbackSecret: string; token: string; kubeconfig: string }
  startControlPlane(signal: AbortSignal): Promise<string>
  /** Needs the control plane's address, where callbacks go. Resolves once jobhook is ready. */
  startJobhook(controlPlane: string, signal: AbortSignal): Promise<string>
  /** How a started process ended although nobody asked it to; null while all run. */
  broken(): string | null
  /** Ends the processes and removes the folder; never leaves a process behind. */
  strike(): Promise<void>
  /** The same at once, for a second Ctrl-C. */
  strikeNow(): void
}

export function setStage(): Stage {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-demo-')) // mode 0700: it holds secrets
  const file = (name: string, content?: string): string => {
    const path = join(folder, name)
    if (content !== undefined) writeFileSync(path, content, { mode: 0o600 })
    return path
  }
  const secrets = { webhook: generateSecret(), callback: generateSecret() }
  const files = {
    config: file('jobhook.yaml'),
    webhookSecret: file('webhook-secret', secrets.webhook),
    callbackSecret: file('callback-secret', secrets.callback),
    token: file('token', randomBytes(24).toString('base64url')),
    kubeconfig: file('kubeconfig'),
  }
  const jobhookAddressFile = file('jobhook-address')
  const processes: Process[] = []
  const remove = (): void => rmSync(folder, { recursive: true, force: true })

  return {
    folder,
    files,
    async startControlPlane(signal) {
      const addressFile = file('control-plane-address')
      const controlPlane = startProcess({
        name: 'the control plane',
        args: [
          beside('../../../examples/control-plane/main'),
          '--port',
          '0',
          '--address-file',
          addressFile,
          '--jobhook-address-file',
          jobhookAddressFile,
        ],
        env: { ...process.env, CONTROL_PLANE_WEBHOOK_SECRET: secrets.webhook, CONTROL_PLANE_CALLBACK_SECRET: secrets.callback },
        logFile: file('control-plane.log'),
      })
      processes.push(controlPlane)
      return waitFor('said its address', controlPlane, START_TIMEOUT_MS, signal, () => fileContent(addressFile))
    },
    async startJobhook(controlPlane, signal) {
      writeFileSync(files.config, stringify(configuration(controlPlane, files)), { mode: 0o600 })
      const jobhook = startProcess({
        name: 'jobhook',
        args: [beside('../../main'), 'serve', '--config', files.config, '--address-file', jobhookAddressFile],
        env: withoutSettings(process.env),
        logFile: file('jobhook.log'),
      })
      processes.unshift(jobhook) // ended first: the control plane hears it to the last
      const address = await waitFor('said its address', jobhook, START_TIMEOUT_MS, signal, () => fileContent(jobhookAddressFile))
      const base = address.includes('://') ? address : `http://${address}`
      await waitFor('become ready', jobhook, START_TIMEOUT_MS, signal, () => ready(base))
      return base
    },
    broken() {
      const ended = processes.find((each) => each.ended() !== null)
      return ended ? `${ended.name} ${ended.ended()}; its log: ${ended.logFile}` : null
    },
    async strike() {
      for (const each of processes) await each.stop()
      remove()
    },
    strikeNow() {
      for (const each of processes) each.kill()
      remove()
    },
  }
}

async function ready(base: string): Promise<true | null> {
  const response = await request(`${base}/readyz`, { signal: AbortSignal.timeout(2000) })
  await response.body.dump()
  return response.statusCode === 200 ? true : null
}

/** jobhook's configuration for the demo: as a person would write it, with quick retries so that the story fits into seconds. */
function configuration(controlPlane: string, files: Stage['files']): unknown {
  return {
    worker_id: 'demo',
    listen: '127.0.0.1:0',
    cluster: 'embedded',
    backend: { kubernetes: { namespace: 'default', default_image: 'busybox:1.37' } },
    webhook: { secrets: [{ file: files.webhookSecret }] },
    api: { tokens: [{ name: 'demo', token: { file: files.token }, scopes: ['read', 'logs', 'submit', 'cancel', 'admin'] }] },
    callback: { url: `${controlPlane}/hooks/tasks`, secrets: [{ file: files.callbackSecret }], schedule: [0, 1, 5, 30] },
    deadlines: { pull: '5s', drain_delay: '0s' },
    embedded: { listen: '127.0.0.1:0', kubeconfig_file: files.kubeconfig },
  }
}

/** Another module of ours as a file, .ts in a checkout and .js in a package, like this one. */
function beside(path: string): string {
  return fileURLToPath(new URL(`${path}${extname(import.meta.url)}`, import.meta.url))
}

/** The person's own JOBHOOK_ settings are for their own jobhook. */
function withoutSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('JOBHOOK_')))
}
