// For the tests of the chart: helm (as test/cluster builds it), rendered objects, and where a real API server takes them.
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { type Api, createApi } from '../cluster/harness/api.ts'
import { builtTool } from '../cluster/harness/build.ts'
import type { Tool } from '../cluster/harness/tools.ts'

export const ROOT = join(import.meta.dirname, '../..')
export const CHART = join(ROOT, 'chart')

export const adminKubeconfig = process.env.JOBHOOK_TEST_ADMIN_KUBECONFIG ?? null

/** Why a test that needs helm and a cluster cannot run, or false. */
export const noCluster: string | false =
  adminKubeconfig === null
    ? 'needs a real API server: run it by "npm run test:cluster -- test/chart/*.test.ts"'
    : builtTool('helm') === null
      ? 'needs helm: "node test/cluster/run.ts --build" builds it'
      : false

export interface KubeManifest {
  apiVersion: string
  kind: string
  metadata: { name: string; namespace?: string; labels?: Record<string, string>; annotations?: Record<string, string> }
  // biome-ignore lint/suspicious/noExplicitAny: objects of every kind
  [key: string]: any
}

export const valueSets = globSync('values/*.yaml', { cwd: import.meta.dirname })
  .sort()
  .map((path) => ({ name: basename(path, '.yaml'), path: join(import.meta.dirname, path) }))

/** Both are told which Kubernetes to render for: a build from modules does not know. */
export function helm(tool: Extract<Tool, 'helm' | 'helm3'>, ...args: string[]): { status: number | null; output: string } {
  const path = builtTool(tool)
  if (path === null) throw new Error(`${tool} has not been built`)
  const versioned = args[0] === 'template' || args[0] === 'lint' ? [...args, '--kube-version', '1.37.1'] : args
  const result = spawnSync(path, versioned, { encoding: 'utf8', env: { ...process.env, KUBECONFIG: adminKubeconfig ?? '' } })
  return { status: result.status, output: `${result.stdout}${result.stderr}` }
}

/** A command that acts on the cluster, without holding up this process (which may serve what the command waits for). */
export async function runHelm(
  tool: Extract<Tool, 'helm' | 'helm3'>,
  ...args: string[]
): Promise<{ status: number | null; output: string }> {
  const path = builtTool(tool)
  if (path === null) throw new Error(`${tool} has not been built`)
  const child = spawn(path, args, { env: { ...process.env, KUBECONFIG: adminKubeconfig ?? '' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const status = await new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve))
  return { status, output }
}

export function renderText(options: {
  values: string[]
  release?: string
  namespace?: string
  set?: string[]
  tool?: 'helm' | 'helm3'
}): string {
  const path = builtTool(options.tool ?? 'helm') ?? ''
  const args = ['template', options.release ?? 'hooks', CHART, '--namespace', options.namespace ?? 'chart-test', '--kube-version', '1.37.1']
  for (const values of options.values) args.push('-f', values)
  for (const set of options.set ?? []) args.push('--set', set)
  return execFileSync(path, args, { encoding: 'utf8', maxBuffer: 16 * 1024 * 1024 })
}

export function render(options: Parameters<typeof renderText>[0]): KubeManifest[] {
  return parseAllDocuments(renderText(options))
    .map((document) => document.toJS() as KubeManifest | null)
    .filter((object) => object !== null)
}

const PATHS: Record<string, string> = {
  ConfigMap: '/api/v1/namespaces/NS/configmaps',
  Secret: '/api/v1/namespaces/NS/secrets',
  Service: '/api/v1/namespaces/NS/services',
  ServiceAccount: '/api/v1/namespaces/NS/serviceaccounts',
  Pod: '/api/v1/namespaces/NS/pods',
  Deployment: '/apis/apps/v1/namespaces/NS/deployments',
  Job: '/apis/batch/v1/namespaces/NS/jobs',
  Role: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/roles',
  RoleBinding: '/apis/rbac.authorization.k8s.io/v1/namespaces/NS/rolebindings',
  PodDisruptionBudget: '/apis/policy/v1/namespaces/NS/poddisruptionbudgets',
  NetworkPolicy: '/apis/networking.k8s.io/v1/namespaces/NS/networkpolicies',
  Ingress: '/apis/networking.k8s.io/v1/namespaces/NS/ingresses',
}

/** Kinds of the Prometheus Operator, which no cluster of ours has. */
export const isMonitoring = (object: KubeManifest): boolean => object.apiVersion.startsWith('monitoring.coreos.com/')

/** Where an object is created. */
export function pathOf(object: KubeManifest, namespace: string): string {
  const path = PATHS[object.kind]
  if (path === undefined) throw new Error(`the chart makes a ${object.kind}, which this test does not know`)
  return path.replace('NS', object.metadata.namespace ?? namespace)
}

export interface Space {
  api: Api
  name: string
  /** Deletes the namespace and waits for its end. */
  remove(): Promise<void>
}

let counter = 0
export async function createSpace(labels: Record<string, string> = {}): Promise<Space> {
  const api = createApi(adminKubeconfig ?? '')
  const name = `jobhook-chart-${process.pid}-${++counter}`
  await api.create('/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } })
  return {
    api,
    name,
    async remove() {
      await api.request('DELETE', `/api/v1/namespaces/${name}`)
    },
  }
}
