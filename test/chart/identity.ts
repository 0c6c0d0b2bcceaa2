// A release's identity on a real cluster: the ServiceAccount, Role and RoleBinding that helm renders, applied, and a kubeconfig with its token.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { writeKubeconfig } from '../cluster/harness/kubeconfig.ts'
import { adminKubeconfig, type KubeManifest, pathOf, render, type Space, valueSets } from './support.ts'

export interface Identity {
  kubeconfig: string
  user: string
  /** The Role's rules as [resource, verb], sorted: "batch/jobs create". */
  rights: string[]
}

export async function installIdentity(space: Space, release: string, folder: string, set: string[] = []): Promise<Identity> {
  const objects = render({
    values: [valueSets[0]?.path ?? ''],
    release,
    namespace: space.name,
    set: [`config.worker_id=${release}`, ...set],
  }).filter(({ kind }) => ['ServiceAccount', 'Role', 'RoleBinding'].includes(kind))
  for (const object of objects) await space.api.create(pathOf(object, space.name), object)
  const account = find(objects, 'ServiceAccount').metadata.name
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 3600 } }
  const { status } = await space.api.create<{ status: { token: string } }>(
    `/api/v1/namespaces/${space.name}/serviceaccounts/${account}/token`,
    request,
  )
  const admin = parse(readFileSync(adminKubeconfig ?? '', 'utf8')) as { clusters: { cluster: object }[] }
  const kubeconfig = join(folder, `${release}.kubeconfig`)
  writeKubeconfig(kubeconfig, { cluster: admin.clusters[0]?.cluster ?? {}, user: account, token: status.token, namespace: space.name })
  const rules = find(objects, 'Role').rules as { apiGroups: string[]; resources: string[]; verbs: string[] }[]
  return {
    kubeconfig,
    user: `system:serviceaccount:${space.name}:${account}`,
    rights: rules
      .flatMap(({ apiGroups, resources, verbs }) =>
        resources.flatMap((resource) => verbs.map((verb) => `${apiGroups[0] ? `${apiGroups[0]}/` : ''}${resource} ${verb}`)),
      )
      .sort(),
  }
}

function find(objects: KubeManifest[], kind: string): KubeManifest {
  const object = objects.find((candidate) => candidate.kind === kind)
  if (!object) throw new Error(`the chart renders no ${kind}`)
  return object
}

export interface Request {
  right: string
  status: number
  path: string
  userAgent: string
}

/** Everything that one user asked of the API, as the audit log has it; requests for no resource (/version, SelfSubjectAccessReview) left out. */
export function requestsOf(user: string): Request[] {
  const file = process.env.JOBHOOK_TEST_AUDIT_LOG ?? ''
  if (!existsSync(file)) throw new Error('there is no audit log')
  const requests: Request[] = []
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (!line.includes(user)) continue
    const { verb, user: who, objectRef, responseStatus, stage, requestURI, userAgent } = JSON.parse(line)
    if (who.username !== user || !objectRef || stage === 'ResponseStarted' || objectRef.apiGroup === 'authorization.k8s.io') continue
    if (objectRef.apiGroup === 'authentication.k8s.io') continue
    const resource = objectRef.subresource ? `${objectRef.resource}/${objectRef.subresource}` : objectRef.resource
    requests.push({
      right: `${objectRef.apiGroup ? `${objectRef.apiGroup}/` : ''}${resource} ${verb}`,
      status: responseStatus?.code ?? 0,
      path: requestURI,
      userAgent,
    })
  }
  return requests
}
