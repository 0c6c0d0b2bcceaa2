// The few API calls that the harness itself makes, by kubeconfig, over node:https. Not the client under test.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { KubeConfig } from '@kubernetes/client-node'

export interface Answer {
  status: number
  text: string
}

export interface Api {
  /** Of the server in the kubeconfig. */
  port: number
  request(method: string, path: string, body?: object): Promise<Answer>
  /** @throws Error with the apiserver's message for anything but 2xx */
  get<T>(path: string): Promise<T>
  /** A JSON merge patch. */
  patch(path: string, change: object): Promise<void>
  create<T>(path: string, object: object): Promise<T>
  remove(path: string): Promise<void>
}

export function createApi(kubeconfigFile: string): Api {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfigFile)
  const server = config.getCurrentCluster()?.server
  if (server === undefined) throw new Error(`${kubeconfigFile}: its current context names no cluster`)

  async function request(method: string, path: string, body?: object): Promise<Answer> {
    const url = new URL(server + path)
    const options: RequestOptions = { method, headers: { accept: 'application/json' }, timeout: 10_000 }
    await config.applyToHTTPSOptions(options)
    const payload = body === undefined ? null : JSON.stringify(body)
    if (payload !== null)
      options.headers = { ...options.headers, 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }
    return new Promise((resolve, reject) => {
      const sent = url.protocol === 'http:' ? httpRequest(url, { ...options, agent: false }) : httpsRequest(url, options)
      sent.once('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer in 10 s`)))
      sent.once('error', reject)
      sent.once('response', async (response) => {
        try {
          const chunks = await response.setEncoding('utf8').toArray()
          resolve({ status: response.statusCode ?? 0, text: chunks.join('') })
        } catch (error) {
          reject(error)
        }
      })
      sent.end(payload)
    })
  }

  async function call<T>(method: string, path: string, body?: object): Promise<T> {
    const { status, text } = await request(method, path, body)
    if (status < 200 || status > 299) throw new Error(`${method} ${path}: ${status} ${messageOf(text)}`)
    return JSON.parse(text) as T
  }

  return {
    port: Number(new URL(server).port || 443),
    request,
    get: (path) => call('GET', path),
    create: (path, object) => call('POST', path, object),
    patch: (path, change) => call('PATCH', path, change),
    async remove(path) {
      const { status, text } = await request('DELETE', path)
      if (status > 299 && status !== 404) throw new Error(`DELETE ${path}: ${status} ${messageOf(text)}`)
    },
  }
}

function messageOf(text: string): string {
  try {
    return (JSON.parse(text) as { message?: string }).message ?? text
  } catch {
    return text
  }
}
