// What is built from Go modules, and with which flags. The versions are in tools/<family>/go.mod, nowhere else.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Tool =
  | 'etcd'
  | 'kube-apiserver'
  | 'kube-controller-manager'
  | 'kube-scheduler'
  | 'kubelet'
  | 'kwok'
  | 'containerd'
  | 'containerd-shim-runc-v2'
  | 'ctr'
  | 'helm'
  | 'helm3'
  | 'kubeconform'
  | 'actionlint'

interface Family {
  name: string
  tools: Partial<Record<Tool, string>>
  linkerFlags: (versions: Map<string, string>) => string
}

export interface BuildPlan {
  tool: Tool
  /** Package path to build. */
  path: string
  /** Folder of the go.mod that says which version. */
  moduleFolder: string
  linkerFlags: string
  /** Name of the folder in the cache: family and hash, so that a changed version or flag is another folder. */
  cacheName: string
}

const strip = '-s -w'

const families: Family[] = [
  { name: 'etcd', tools: { etcd: 'go.etcd.io/etcd/server/v3' }, linkerFlags: () => strip },
  {
    name: 'kubernetes',
    tools: {
      'kube-apiserver': 'k8s.io/kubernetes/cmd/kube-apiserver',
      'kube-controller-manager': 'k8s.io/kubernetes/cmd/kube-controller-manager',
      'kube-scheduler': 'k8s.io/kubernetes/cmd/kube-scheduler',
      kubelet: 'k8s.io/kubernetes/cmd/kubelet',
    },
    linkerFlags: (versions) => `${strip} ${kubernetesVersionFlags(versions.get('k8s.io/kubernetes') ?? 'v0.0.0')}`,
  },
  { name: 'kwok', tools: { kwok: 'sigs.k8s.io/kwok/cmd/kwok' }, linkerFlags: () => strip },
  {
    name: 'containerd',
    tools: {
      containerd: 'github.com/containerd/containerd/v2/cmd/containerd',
      'containerd-shim-runc-v2': 'github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2',
      ctr: 'github.com/containerd/containerd/v2/cmd/ctr',
    },
    linkerFlags: () => strip,
  },
  {
    name: 'helm',
    tools: {
      helm: 'helm.sh/helm/v4/cmd/helm',
      helm3: 'helm.sh/helm/v3/cmd/helm',
      kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform',
    },
    linkerFlags: (versions) => `${strip} ${helmVersionFlags(versions)}`,
  },
  { name: 'actionlint', tools: { actionlint: 'github.com/rhysd/actionlint/cmd/actionlint' }, linkerFlags: () => strip },
]

/** Compiler flags of every family; with the linker's, part of the cache key. */
export const buildFlags = ['-trimpath', '-buildvcs=false']

/** Without these a binary from modules calls itself v0.0.0-master, and the apiserver's /version with it. */
function kubernetesVersionFlags(version: string): string {
  const [major, minor] = version.slice(1).split('.')
  const values = { gitVersion: version, gitMajor: major, gitMinor: minor, gitTreeState: 'clean' }
  const packages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version']
  return packages.flatMap((name) => Object.entries(values).map(([key, value]) => `-X ${name}.${key}=${value}`)).join(' ')
}

/** Both Helms of one build: each reads its own package's variable. */
function helmVersionFlags(versions: Map<string, string>): string {
  return ['v3', 'v4']
    .map((major) => `-X helm.sh/helm/${major}/internal/version.version=${versions.get(`helm.sh/helm/${major}`) ?? major}`)
    .join(' ')
}

export function planBuilds(wanted: Tool[]): BuildPlan[] {
  return families.flatMap((family) => {
    const moduleFolder = join(import.meta.dirname, '..', 'tools', family.name)
    const goMod = readFileSync(join(moduleFolder, 'go.mod'), 'utf8')
    const goSum = readFileSync(join(moduleFolder, 'go.sum'), 'utf8')
    const linkerFlags = family.linkerFlags(requiredVersions(goMod))
    const key = JSON.stringify([goMod, goSum, buildFlags, linkerFlags, process.platform, process.arch])
    const cacheName = `${family.name}-${createHash('sha256').update(key).digest('hex').slice(0, 16)}`
    const paths = Object.entries(family.tools) as [Tool, string][]
    return paths.filter(([tool]) => wanted.includes(tool)).map(([tool, path]) => ({ tool, path, moduleFolder, linkerFlags, cacheName }))
  })
}

/** `require` lines of a go.mod: module path and version. */
function requiredVersions(goMod: string): Map<string, string> {
  const lines = goMod.matchAll(/^(?:require )?\s*(\S+) (v\S+)/gm)
  return new Map([...lines].map((match) => [match[1] ?? '', match[2] ?? '']))
}

export const everyTool = families.flatMap((family) => Object.keys(family.tools) as Tool[])

/** What the tests of these folders need beside a cluster: built only when files of theirs are among those to run. */
const toolsOfFolders: Record<string, Tool[]> = { 'test/chart/': ['helm', 'helm3', 'kubeconform'], 'test/github/': ['actionlint'] }

export function toolsOf(files: string[]): Tool[] {
  return Object.entries(toolsOfFolders).flatMap(([folder, tools]) => (files.some((file) => file.startsWith(folder)) ? tools : []))
}
