// The command line of test/cluster/run.ts: what can be asked for, and the help text. Decides nothing else.
import { parseArgs } from 'node:util'

/** What kind of cluster is brought up. */
export interface ClusterOptions {
  node: boolean
  kwokNodes: number
  /** Without them (and without nodes) only etcd and kube-apiserver run: Jobs are stored, and nothing acts on them. */
  controllers: boolean
  audit: boolean
  /** Kubernetes' own slow defaults for the Job controller instead of 50 workers and 1,000 requests a second. */
  stockControllerManager: boolean
  /** The kubelet without the alpha gate EventedPLEG: a Job then takes 3 s rather than 1 s. */
  stockKubelet: boolean
}

export interface Options extends ClusterOptions {
  action: 'run' | 'stop' | 'build' | 'help'
  /** File patterns to run (with `run`), or the kept cluster's folder (with `stop`); empty means all. */
  operands: string[]
  keep: boolean
  /** Everything after a lone `--`: handed to `node --test`. */
  testArguments: string[]
}

export const help = `node test/cluster/run.ts [options] [file patterns] [-- options of node --test]

Brings up a real Kubernetes on loopback, runs test files against it and stops everything.
Without patterns: test/contract, test/e2e, test/cluster and every *.cluster.test.ts.

  --keep                     leave the cluster up; without file patterns no test is run
  --stop [folder]            stop the kept cluster in that folder, or every kept one
  --build                    only build the binaries into the cache
  --no-node                  control plane and kwok nodes only, no containers
  --kwok-nodes=N             how many kwok nodes (default 2)
  --no-audit                 no audit log
  --stock-controller-manager the Job controller with Kubernetes' defaults (5 workers, 20 requests a second)
  --stock-kubelet            the kubelet without the alpha gate EventedPLEG

Environment: JOBHOOK_CACHE (binaries; default ~/.cache/jobhook), KUBEBUILDER_ASSETS (a folder with etcd and kube-apiserver),
TEST_KUBECONFIG (a cluster of your own; a namespace is made for the run and deleted after).
`

/** @throws Error with the remedy for an option that does not exist or a bad value */
export function parseArguments(argv: string[]): Options {
  const dashes = argv.indexOf('--')
  const own = dashes === -1 ? argv : argv.slice(0, dashes)
  const { values, positionals } = parseArgs({
    args: own,
    allowPositionals: true,
    allowNegative: true,
    options: {
      help: { type: 'boolean', short: 'h', default: false },
      keep: { type: 'boolean', default: false },
      stop: { type: 'boolean', default: false },
      build: { type: 'boolean', default: false },
      node: { type: 'boolean', default: true },
      audit: { type: 'boolean', default: true },
      'kwok-nodes': { type: 'string', default: '2' },
      'stock-controller-manager': { type: 'boolean', default: false },
      'stock-kubelet': { type: 'boolean', default: false },
    },
  })
  const kwokNodes = Number(values['kwok-nodes'])
  if (!Number.isInteger(kwokNodes) || kwokNodes < 0 || kwokNodes > 5000) {
    throw new Error(`--kwok-nodes=${values['kwok-nodes']}: give a whole number from 0 to 5000`)
  }
  return {
    action: values.help ? 'help' : values.stop ? 'stop' : values.build ? 'build' : 'run',
    operands: positionals,
    keep: values.keep,
    node: values.node,
    kwokNodes,
    controllers: true,
    audit: values.audit,
    stockControllerManager: values['stock-controller-manager'],
    stockKubelet: values['stock-kubelet'],
    testArguments: dashes === -1 ? [] : argv.slice(dashes + 1),
  }
}
