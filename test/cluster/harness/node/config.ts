// Writes the files that containerd and the kubelet of the real node read. Nothing here is found by default paths: every path is in the cluster's folder.
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { images } from './images.ts'

export interface NodeConfigOptions {
  folder: string
  logFolder: string
  runc: string
  kubeletPort: number
  snapshotter: 'overlayfs' | 'native'
  eventedPleg: boolean
  podNetwork: boolean
}

/**
 * The Pods' network, out of the range for benchmarks (RFC 2544), which no real network has: the machine's end of every link, the Services, the Pods.
 * Nothing of it is routed anywhere: Pods reach what listens on this machine's end or on a Service's address, and nothing else.
 */
export const network = { node: '198.18.0.1', services: '198.18.1.0/24', dns: '198.18.1.10', pods: '198.19', all: '198.18.0.0/15' }

export function socketPath(folder: string): string {
  return join(folder, 'containerd.sock')
}

export function writeNodeConfig(options: NodeConfigOptions): void {
  const { folder } = options
  for (const name of ['cni/bin', 'cni/conf', 'certs.d/_default', 'volume-plugins', 'sysctl'])
    mkdirSync(join(folder, name), { recursive: true })
  mkdirSync(join(options.logFolder, 'pods'))
  // containerd always calls a plugin named loopback too
  for (const [name, script] of Object.entries({ pod: cniPlugin(options.podNetwork ? link : ''), loopback: cniPlugin('') })) {
    writeFileSync(join(folder, 'cni/bin', name), script)
    chmodSync(join(folder, 'cni/bin', name), 0o755)
  }
  writeFileSync(join(folder, 'cni/conf/10-pod.conflist'), JSON.stringify({ cniVersion: '1.0.0', name: 'pods', plugins: [{ type: 'pod' }] }))
  writeFileSync(join(folder, 'certs.d/_default/hosts.toml'), noRegistry)
  writeFileSync(join(folder, 'containerd.toml'), containerdConfig(options))
  writeFileSync(join(folder, 'kubelet.json'), JSON.stringify(kubeletConfig(options), null, 2))
}

/** Without a link a Pod has a loopback interface and nothing else; the address then only makes its status look usual. */
function cniPlugin(more: string): string {
  return `#!/bin/sh
set -eu
cat >/dev/null
case "$CNI_COMMAND" in
VERSION) echo '{"cniVersion":"1.0.0","supportedVersions":["0.4.0","1.0.0","1.1.0"]}' ;;
ADD)
  address=10.244.0.2
  nsenter --net="$CNI_NETNS" ip link set lo up
${more}  echo '{"cniVersion":"1.0.0","interfaces":[{"name":"eth0","sandbox":"'"$CNI_NETNS"'"}],"ips":[{"address":"'"$address"'/32","interface":0}]}'
  ;;
esac
`
}

/** A pair of devices, one end in the Pod; it goes with the Pod's network namespace, and all of them with the node's. */
const link = `  number=$(flock "$0.lock" sh -c 'n=$(($(cat "$1" 2>/dev/null || echo 0) + 1)); echo "$n" >"$1"; echo "$n"' - "$0.count")
  address=${network.pods}.$((number / 250)).$((number % 250 + 1))
  ip link add "jhpod$number" type veth peer name eth0 netns "$CNI_NETNS"
  ip link set "jhpod$number" up
  ip route add "$address/32" dev "jhpod$number" src ${network.node}
  nsenter --net="$CNI_NETNS" ip -batch - >&2 <<END
address add $address/32 dev eth0
link set eth0 up
route add ${network.node} dev eth0
route add ${network.all} via ${network.node}
END
`

/** Every pull goes to a port that nobody listens on: a missing image fails at once, and nothing leaves the machine. */
const noRegistry = `server = "http://127.0.0.1:1"
[host."http://127.0.0.1:1"]
  capabilities = ["pull", "resolve"]
`

function containerdConfig({ folder, runc, snapshotter }: NodeConfigOptions): string {
  const socket = socketPath(folder)
  return `version = 3
root = "${folder}/containerd/root"
state = "${folder}/containerd/state"
disabled_plugins = ["io.containerd.nri.v1.nri", "io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[plugins.'io.containerd.cri.v1.images']
  snapshotter = "${snapshotter}"
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "${images.pause}"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "${folder}/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  disable_apparmor = true
  tolerate_missing_hugetlb_controller = true
  disable_hugetlb_controller = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["${folder}/cni/bin"]
    conf_dir = "${folder}/cni/conf"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = "${runc}"
      SystemdCgroup = false
`
}

function kubeletConfig(options: NodeConfigOptions): object {
  const { folder } = options
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${socketPath(folder)}`,
    address: '127.0.0.1',
    port: options.kubeletPort,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    // No tree of cgroups per quality of service under the machine's root: only one folder for each container.
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    featureGates: { KubeletInUserNamespace: true, ...(options.eventedPleg ? { EventedPLEG: true } : {}) },
    failSwapOn: false,
    makeIPTablesUtilChains: false,
    localStorageCapacityIsolation: false,
    // A full disk of the machine is no reason to evict test Pods.
    evictionHard: { 'memory.available': '0%', 'nodefs.available': '0%', 'imagefs.available': '0%', 'nodefs.inodesFree': '0%' },
    imageGCHighThresholdPercent: 100,
    imageGCLowThresholdPercent: 99,
    podLogsDir: join(options.logFolder, 'pods'),
    volumePluginDir: join(folder, 'volume-plugins'),
    resolvConf: '',
    ...(options.podNetwork ? { clusterDNS: [network.dns], clusterDomain: 'cluster.local' } : {}),
    nodeStatusUpdateFrequency: '5s',
    maxPods: 200,
  }
}
