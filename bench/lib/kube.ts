// Requests to the API server as plainly as they can be made: undici on one shared Agent, nothing else. For setting cases up, and for the baselines.
import { readFileSync } from 'node:fs'
import { Agent, request } from 'undici'
import { parse } from 'yaml'

export interface Credentials {
  /** https://127.0.0.1:PORT */
  origin: string
  token: string
  /** PEM. */
  ca: string
  namespace: string
}

export function readCredentials(kubeconfigFile: string): Credentials {
  const config = parse(readFileSync(kubeconfigFile, 'utf8')) as {
    clusters: { cluster: { server: string; 'certificate-authority-data': string } }[]
    users: { user: { token: string } }[]
    contexts: { context: { namespace: string } }[]
  }
  const cluster = config.clusters[0]?.cluster
  const user = config.users[0]?.user
  const context = config.contexts[0]?.context
  if (!cluster || !user || !context) throw new Error(`${kubeconfigFile} is not a kubeconfig of the test cluster`)
  const ca = Buffer.from(cluster['certificate-authority-data'], 'base64').toString('utf8')
  return { origin: cluster.server, token: user.token, ca, namespace: context.namespace }
}

export interface RawClient {
  /** Status and body; throws only when there is no answer. */
  send(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: string,
    contentType?: string,
  ): Promise<{ status: number; text: string }>
  /** The same, without reading the answer's body. */
  sendOnly(method: 'POST' | 'PATCH', path: string, body: string, contentType?: string): Promise<number>
  stream(path: string, signal: AbortSignal): Promise<AsyncIterable<Buffer>>
  close(): Promise<void>
}

export function createRawClient(credentials: Credentials, connections: number): RawClient {
  const dispatcher = new Agent({
    connections,
    pipelining: 1,
    allowH2: false,
    connect: { ca: credentials.ca },
    keepAliveTimeout: 60_000,
    bodyTimeout: 0,
    headersTimeout: 120_000,
  })
  const headers = { authorization: `Bearer ${credentials.token}`, accept: 'application/json', 'accept-encoding': 'identity' }
  const open = (method: string, path: string, body?: string, contentType = 'application/json') =>
    request(`${credentials.origin}${path}`, {
      method: method as 'GET',
      dispatcher,
      headers: body === undefined ? headers : { ...headers, 'content-type': contentType },
      ...(body === undefined ? {} : { body }),
    })
  return {
    async send(method, path, body, contentType) {
      const response = await open(method, path, body, contentType)
      return { status: response.statusCode, text: await response.body.text() }
    },
    async sendOnly(method, path, body, contentType) {
      const response = await open(method, path, body, contentType)
      await response.body.dump({ limit: 1024 * 1024 })
      return response.statusCode
    },
    async stream(path, signal) {
      const response = await request(`${credentials.origin}${path}`, { dispatcher, headers, signal })
      if (response.statusCode !== 200) throw new Error(`GET ${path}: ${response.statusCode} ${await response.body.text()}`)
      return response.body
    },
    close: () => dispatcher.destroy(),
  }
}

export const jobsPath = (namespace: string): string => `/apis/batch/v1/namespaces/${namespace}/jobs`
export const podsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/pods`
export const secretsPath = (namespace: string): string => `/api/v1/namespaces/${namespace}/secrets`

/** Runs `work` for 0 … count-1, so many at a time. */
export async function inParallel(count: number, concurrency: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, count) }, lane))
}
