// The OpenAPI document of a service that is wired but not started: no cluster is asked for anything.
import { createApp } from '../src/app.ts'
import { loadConfig } from '../src/config/index.ts'
import { systemClock } from '../src/lib/clock.ts'
import { createLog } from '../src/lib/log.ts'
import { openapiDocument, openapiYaml } from '../src/openapi.ts'

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
users: [{name: none, user: {}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
`

export async function openapiText(): Promise<string> {
  const loaded = loadConfig({ file: null, content: { worker_id: 'openapi' }, env: {} })
  if (!loaded.ok) throw new Error('the minimal configuration is invalid', { cause: loaded.problems })
  const log = createLog({ level: 'silent', workerId: 'openapi' })
  const app = createApp(
    { clock: systemClock, log },
    { config: loaded.config, kubeconfig: { kind: 'text', text: KUBECONFIG }, identity: 'openapi', insecure: false, env: {} },
  )
  await app.server.ready()
  const text = openapiYaml(openapiDocument(app.server))
  await app.stop()
  return text
}
