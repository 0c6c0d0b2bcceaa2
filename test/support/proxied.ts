// The embedded API behind the chaos proxy, and a kubeconfig that leads through it: for what becomes of jobhook when the API misbehaves.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { startEmbedded } from '../../src/embedded/index.ts'
import { readAccess } from '../chaos/api.ts'
import type { Fault } from '../chaos/faults.ts'
import { type ChaosProxy, kubeRequestKind, startProxy } from '../chaos/proxy.ts'

export interface ProxiedApi {
  /** For jobhook: by way of the proxy, namespace default. */
  kubeconfig: string
  /** Past the proxy, for the test itself. */
  server: string
  proxy: ChaosProxy
  close(): Promise<void>
}

/** `fault`: what a request of this kind ("create jobs", "watch pods") meets now. */
export async function startProxiedApi(fault: (kind: string) => Fault): Promise<ProxiedApi> {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-proxied-'))
  const embedded = await startEmbedded({ kubeconfigFile: join(folder, 'embedded') })
  const { server, headers } = readAccess(join(folder, 'embedded'))
  const proxy = await startProxy({ target: new URL(server).origin, headers, kindOf: kubeRequestKind, fault })
  const kubeconfig = join(folder, 'kubeconfig')
  writeFileSync(
    kubeconfig,
    stringify({
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'c', cluster: { server: proxy.url + new URL(server).pathname.replace(/\/$/, '') } }],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'c', context: { cluster: 'c', user: 'u', namespace: 'default' } }],
      'current-context': 'c',
    }),
  )
  return {
    kubeconfig,
    server,
    proxy,
    async close() {
      await proxy.close()
      await embedded.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
