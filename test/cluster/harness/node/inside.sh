#!/bin/sh
# The first process of the real node's own mount and PID namespace: private mounts, then containerd, the images and the kubelet.
# When it ends, everything in the namespace ends with it. Environment: see start.ts.
set -eu
cd "$NODE_FOLDER"

# The kubelet writes these and ends if it cannot: private copies, so that the machine's own stay as they are.
for name in vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes; do
  copy="sysctl/$(echo "$name" | tr / .)"
  cat "/proc/sys/$name" >"$copy"
  mount --bind "$copy" "/proc/sys/$name"
done
# Folders that containerd, CNI and the kubelet have built in.
for folder in $PRIVATE_FOLDERS; do mount -t tmpfs tmpfs "$folder"; done

# The machine's end of the Pods' links and, all at once, every Service address. The other end is in a namespace that nothing but this one's mounts
# holds: when this namespace ends, device, addresses and routes are gone.
if [ -n "$POD_NETWORK" ]; then
  ip link delete jhnode 2>/dev/null || true # of a run that ended a moment ago
  touch network
  unshare --net=network true
  ip link add jhnode type veth peer name other netns "$NODE_FOLDER/network"
  ip address add "$NODE_ADDRESS/32" dev jhnode
  ip link set jhnode up
  nsenter --net=network ip link set other up
  ip route add local "$SERVICE_ADDRESSES" dev jhnode
fi

# The end of either daemon is the end of the node.
trap 'exit 1' TERM
(
  code=0
  containerd -c containerd.toml -l info >"$LOG_FOLDER/containerd.log" 2>&1 </dev/null || code=$?
  echo "containerd ended with exit code $code"
  kill -TERM 1
) &
tries=0
until ctr -a "$NODE_FOLDER/containerd.sock" version >/dev/null 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 300 ] || { echo "containerd did not answer within 30 s"; exit 1; }
  sleep 0.1
done
ctr -a "$NODE_FOLDER/containerd.sock" -n k8s.io images import --local --snapshotter "$SNAPSHOTTER" images.tar

until [ -e kubeconfig ]; do sleep 0.05; done # the control plane is still starting
(
  code=0
  kubelet --config=kubelet.json --kubeconfig=kubeconfig --root-dir="$NODE_FOLDER/kubelet" --cert-dir="$NODE_FOLDER/kubelet/pki" \
    --hostname-override="$NODE_NAME" --v=2 >"$LOG_FOLDER/kubelet.log" 2>&1 </dev/null || code=$?
  echo "kubelet ended with exit code $code"
  kill -TERM 1
) &
wait
