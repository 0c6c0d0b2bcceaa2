// Why the API does not answer: tells a wrong file, an unknown host, a refused connection, untrusted TLS and refused credentials apart. Pure.
import type { KubeError } from '../model/kube-api.ts'
import { type CheckResult, failed, oneLine } from './check.ts'
import { transportCause } from './transport.ts'

export interface Endpoint {
  /** Scheme, host and port. */
  server: string
  /** Where the address comes from, for the remedy: a path, or "the kubeconfig". */
  source: string
}

/** The check `api`, failed: nobody can start a task through an API that does not answer. */
export function connectionProblem(error: KubeError, { server, source }: Endpoint): CheckResult {
  const answer = (what: string, why: string, fix: string): CheckResult => failed('api', what, why, fix, true)
  const { status } = error
  const cause = status === 0 ? causeOf(error) : null
  const port = new URL(server).port || (server.startsWith('https:') ? '443' : '80')
  if (cause === 'unknown-host') {
    const why = `no name server knows ${new URL(server).hostname}`
    return answer(
      `${server} cannot be found`,
      why,
      `correct clusters[].cluster.server in ${source}, or connect to the network or VPN it is in`,
    )
  }
  if (cause === 'refused') {
    return answer(
      `${server} refuses connections`,
      `nothing listens on port ${port} there`,
      `start the cluster, or correct clusters[].cluster.server in ${source}; then: kubectl version`,
    )
  }
  if (cause === 'no-answer') {
    return answer(`${server} does not answer`, oneLine(error.message), `check network, VPN and firewall: curl -k ${server}/livez`)
  }
  if (cause === 'untrusted') {
    const fix = `put the cluster’s CA into clusters[].cluster.certificate-authority-data in ${source}, for example by fetching the kubeconfig anew`
    return answer(`${server} shows a certificate that is not trusted`, oneLine(error.message), fix)
  }
  if (cause === 'wrong-name') {
    const fix = `use a name the certificate has in clusters[].cluster.server in ${source}, or set tls-server-name there`
    return answer(`${server} shows a certificate for another name`, oneLine(error.message), fix)
  }
  if (cause === 'not-in-date') {
    const fix = 'renew the API server’s certificate (kubeadm certs renew apiserver), or set this machine’s clock right'
    return answer(`${server} shows a certificate that is out of date`, oneLine(error.message), fix)
  }
  if (cause === 'not-tls') {
    return answer(
      `${server} does not speak TLS`,
      oneLine(error.message),
      `correct scheme and port of clusters[].cluster.server in ${source}`,
    )
  }
  if (status === 401) {
    const fix = `log in again or fetch the kubeconfig anew (${source}); for a service account: kubectl create token NAME`
    return answer(`${server} does not accept the credentials`, 'the token or client certificate is wrong or has expired (401)', fix)
  }
  if (status === 400 && /HTTP request to an HTTPS server/i.test(error.message)) {
    return answer(
      `${server} wants TLS`,
      'the address says http://, the server speaks https',
      `write https:// in clusters[].cluster.server in ${source}`,
    )
  }
  if (status === 403) {
    return answer(
      `${server} forbids to ask for its version`,
      oneLine(error.message),
      'give the account the ClusterRole system:discovery (every authenticated user has it by default)',
    )
  }
  if (status >= 400 && status < 500 && status !== 429) {
    return answer(
      `${server} is no Kubernetes API`,
      `it answers ${status} to /version`,
      `correct clusters[].cluster.server in ${source}, with its path if it has one`,
    )
  }
  if (status > 0) {
    return answer(
      `${server} has trouble`,
      `it answers ${status}: ${oneLine(error.message)}`,
      'try again; if it stays, see the API server’s log and health: kubectl get --raw /readyz?verbose',
    )
  }
  // No answer and no code of the list above: what Node says is all there is. Credentials programs (exec) fail here too.
  const fix = /spawn|exec/i.test(error.message)
    ? `install or repair the credentials program that ${source} names (users[].user.exec)`
    : `check the address and the credentials in ${source}: kubectl version`
  return answer(`${server} cannot be reached`, oneLine(error.message), fix)
}

/** The abort of a deadline has no code, only a name or its words. */
function causeOf({ reason, message }: KubeError) {
  return transportCause(reason) ?? (/aborted due to timeout/i.test(message) ? 'no-answer' : null)
}

/** There is no usable kubeconfig at all: `message` has the remedy. */
export function kubeconfigProblem(message: string): CheckResult {
  const fix = 'set KUBECONFIG or backend.kubernetes.kubeconfig to a file that "kubectl --kubeconfig FILE version" works with'
  return failed('api', 'no cluster to talk to', oneLine(message), fix, true)
}
