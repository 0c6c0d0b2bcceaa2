/**
 * The HTTP front of the embedded cluster. It runs commands for whoever gets in, so the door is narrow: loopback only, a random path prefix that only the
 * kubeconfig knows, the Host header checked (a web page cannot name it), only object bodies (no form, no plain text).
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cluster } from '../cluster.ts'
import { ApiError, methodNotAllowed, noSuchPath } from '../status.ts'
import type { Pod } from '../types.ts'
import { chooseForm } from './accept.ts'
import { type DenyRule, requireAccess, reviewAccess } from './access.ts'
import { parseObject, readBody, requireObjectType } from './body.ts'
import { discovery } from './discovery.ts'
import { sendList } from './list.ts'
import { type LogSource, sendLog } from './logs.ts'
import { openapi } from './openapi.ts'
import { sendError, sendJson, sendText } from './respond.ts'
import { inForm } from './table.ts'
import { resolveTarget, type Target } from './target.ts'
import { createWatches } from './watch.ts'
import {
  createObject,
  decodeWith,
  deleteCollection,
  deleteObject,
  deleteOptions,
  patchObject,
  replaceObject,
  type WriteRequest,
} from './write.ts'

export interface ApiServer {
  port: number
  close(): Promise<void>
}

export interface ApiServerDeps {
  cluster: Cluster
  logs: LogSource
  deny: DenyRule | null
  log(line: string): void
}

export async function startApiServer(deps: ApiServerDeps, options: { host: string; port: number; prefix: string }): Promise<ApiServer> {
  const { cluster, deny } = deps
  const watches = createWatches(cluster)
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => fail(response, error))
  })

  function fail(response: ServerResponse, error: unknown): void {
    if (error instanceof ApiError) {
      sendError(response, error)
      return
    }
    deps.log(`internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    sendError(
      response,
      new ApiError(500, 'InternalError', `Internal error occurred: ${error instanceof Error ? error.message : String(error)}`),
    )
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!isOurHost(request.headers.host)) return sendText(response, 403, 'text/plain; charset=utf-8', 'Host header not allowed\n')
    const url = new URL(request.url ?? '/', 'http://localhost')
    const [prefix, ...segments] = url.pathname.split('/').slice(1).map(decodeURIComponent)
    if (prefix !== options.prefix) return sendText(response, 404, 'text/plain; charset=utf-8', '404 page not found\n')
    const path = segments.at(-1) === '' ? segments.slice(0, -1) : segments
    if (await answerFixed(path, request, response)) return
    const target = resolveTarget(path, cluster.types)
    if (target === null) return notFoundPath(path, response)
    await answer(target, url.searchParams, request, response)
  }

  /** Paths that are no objects: health, discovery, access reviews. */
  async function answerFixed(path: readonly string[], request: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const joined = path.join('/')
    if (joined === 'apis/authorization.k8s.io/v1/selfsubjectaccessreviews') {
      if (request.method !== 'POST') throw methodNotAllowed()
      requireObjectType(request)
      const body = decodeWith('SelfSubjectAccessReview', parseObject(request, await readBody(request)), 'SelfSubjectAccessReview')
      sendJson(response, 201, reviewAccess(deny, body.value))
      return true
    }
    if (request.method !== 'GET') return false
    if (['livez', 'readyz', 'healthz'].includes(joined)) {
      sendText(response, 200, 'text/plain; charset=utf-8', 'ok')
      return true
    }
    const found = discovery(path, cluster.types) ?? openapi(path, cluster.types)
    if (found !== null) sendJson(response, 200, found)
    return found !== null
  }

  /** Unknown groups are plain text, unknown resources of a known group a Status: as the real API does it. */
  function notFoundPath(path: readonly string[], response: ServerResponse): void {
    const groupKnown = discovery(path.slice(0, path[0] === 'api' ? 2 : 3), cluster.types) !== null && path.length > 1
    if (groupKnown) sendError(response, noSuchPath())
    else sendText(response, 404, 'text/plain; charset=utf-8', '404 page not found\n')
  }

  async function answer(target: Target, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const collection = target.name === ''
    const write: WriteRequest = { cluster, target, query, form: chooseForm(request.headers.accept), request, response }
    const { subresource } = target
    if (subresource === 'log' && target.type.key === 'pods') return readLog(target, query, request, response)
    if (subresource !== '' && !(subresource === 'status' && target.type.hasStatus)) throw noSuchPath()
    switch (request.method) {
      case 'GET':
        return read(write, collection)
      case 'POST':
        if (!collection || (target.type.namespaced && target.namespace === '')) throw methodNotAllowed()
        requireAccess(deny, target, 'create')
        return createObject(write)
      case 'PUT':
        if (collection) throw methodNotAllowed()
        requireAccess(deny, target, 'update')
        return replaceObject(write)
      case 'PATCH':
        if (collection) throw methodNotAllowed()
        requireAccess(deny, target, 'patch')
        return patchObject(write)
      case 'DELETE': {
        if (subresource !== '' || (collection && !target.type.verbs.includes('deletecollection'))) throw methodNotAllowed()
        requireAccess(deny, target, collection ? 'deletecollection' : 'delete')
        const options = await deleteOptions(request, query)
        return collection ? deleteCollection(write, options) : deleteObject(write, options)
      }
      default:
        throw methodNotAllowed()
    }
  }

  function read({ target, query, form, response }: WriteRequest, collection: boolean): void {
    if (query.get('watch') === '1' || query.get('watch') === 'true') {
      requireAccess(deny, target, 'watch')
      watches.open(target, query, form, response)
      return
    }
    requireAccess(deny, target, collection ? 'list' : 'get')
    if (collection) {
      sendList(cluster, target, query, form, response)
      return
    }
    const object = cluster.registry.get(target.type, target.namespace, target.name)
    sendJson(response, 200, inForm(form, target.type, object, query.get('includeObject') ?? 'Metadata'))
  }

  async function readLog(target: Target, query: URLSearchParams, request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== 'GET') throw methodNotAllowed()
    requireAccess(deny, target, 'get')
    await sendLog(deps, cluster.registry.get(target.type, target.namespace, target.name) as Pod, query, response)
  }

  server.keepAliveTimeout = 60_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, options.host, resolve)
  })
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      watches.close()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

/** Only names of this machine: a page on another site that was pointed at 127.0.0.1 (DNS rebinding) sends its own name here. */
function isOurHost(header: string | undefined): boolean {
  const host = (header ?? '').replace(/:\d+$/, '')
  return host === '127.0.0.1' || host === 'localhost' || host === '[::1]'
}
