// A namespace of a test's own on the real cluster, with a service account that has jobhook's rights and no more; and kubectl as its admin.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'yaml'
import { FINALIZER } from '../../src/model/keys.ts'
import { createAccess, createNamespace } from '../cluster/harness/access.ts'
import { createApi } from '../cluster/harness/api.ts'

export interface OwnNamespace {
  namespace: string
  /** The service account's. */
  kubeconfig: string
  /** kubectl as admin in this namespace; throws with its output when it fails. */
  kubectl(args: string[], input?: string): string
  remove(): void
}

let counter = 0

export async function ownNamespace(name: string): Promise<OwnNamespace> {
  const adminKubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? ''
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-namespace-'))
  const namespace = `${name}-${process.pid}-${++counter}`
  const kubeconfig = join(folder, 'kubeconfig')
  const api = createApi(adminKubeconfig)
  const { clusters } = parse(readFileSync(adminKubeconfig, 'utf8')) as { clusters: { cluster: object }[] }
  await createNamespace(api, namespace)
  await createAccess(api, { namespace, clusterEntry: clusters[0]?.cluster ?? {}, path: kubeconfig })

  function kubectl(args: string[], input?: string): string {
    const done = spawnSync('kubectl', ['--kubeconfig', adminKubeconfig, '-n', namespace, ...args], {
      encoding: 'utf8',
      ...(input === undefined ? {} : { input }),
    })
    if (done.status !== 0) throw new Error(`kubectl ${args.join(' ')}: ${done.stderr}`)
    return done.stdout
  }

  return {
    namespace,
    kubeconfig,
    kubectl,
    remove() {
      // Only what is held by us: the others may go at any moment, by their time to live, and hold a finalizer of Kubernetes' own meanwhile.
      const held = kubectl([
        'get',
        'jobs',
        '-o',
        'jsonpath={range .items[?(@.metadata.finalizers)]}{.metadata.name} {.metadata.finalizers}{"\\n"}{end}',
      ])
      const jobs = held.split('\n').flatMap((line) => (line.includes(FINALIZER) ? [`job/${line.slice(0, line.indexOf(' '))}`] : []))
      if (jobs.length > 0) kubectl(['patch', '--type=merge', '-p', '{"metadata":{"finalizers":null}}', ...jobs])
      kubectl(['delete', 'namespace', namespace, '--wait=false'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
