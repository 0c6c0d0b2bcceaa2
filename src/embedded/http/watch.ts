/** GET with watch=1: a stream of changes from a resourceVersion on, with bookmarks, selectors, Table and metadata forms, and a clean end at its timeout. */
import type { ServerResponse } from 'node:http'
import { apiVersionOf } from '../api/resource.ts'
import type { Cluster } from '../cluster.ts'
import { ApiError, badRequest, expired, statusBody } from '../status.ts'
import type { Change } from '../store.ts'
import type { KubeObject } from '../types.ts'
import type { Form } from './accept.ts'
import { integer, matcherOf, revisionOf } from './list.ts'
import { jsonOf } from './respond.ts'
import { inForm } from './table.ts'
import type { Target } from './target.ts'

const BOOKMARK_EVERY_MS = 10_000
/** Without timeoutSeconds the real API ends a watch after 30 to 60 minutes. */
const DEFAULT_TIMEOUT_SECONDS = 1800
/** A watcher that falls this far behind is cut off; it comes back with its last resourceVersion. */
const BACKLOG_LIMIT_BYTES = 32 * 1024 * 1024
const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-cache, private', 'transfer-encoding': 'chunked' }

export interface Watches {
  open(target: Target, query: URLSearchParams, form: Form, response: ServerResponse): void
  /** Ends every open watch, as a server that goes away does. */
  close(): void
}

export function createWatches(cluster: Cluster): Watches {
  const { store } = cluster
  const enders = new Set<() => void>()

  function open(target: Target, query: URLSearchParams, form: Form, response: ServerResponse): void {
    const { type, namespace, name } = target
    const from = revisionOf(query.get('resourceVersion'), (why) => new ApiError(500, '', `resourceVersion: ${why}`))
    const matchesQuery = matcherOf(target, query)
    const matches = (object: KubeObject): boolean => (name === '' || object.metadata.name === name) && matchesQuery(object)
    const bookmarks = isTrue(query.get('allowWatchBookmarks'))
    const initial = isTrue(query.get('sendInitialEvents'))
    if (initial && query.get('resourceVersionMatch') !== 'NotOlderThan') {
      throw badRequest('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan')
    }
    const include = query.get('includeObject') ?? 'Metadata'
    let firstRow = true
    let sent = from

    function write(text: string): void {
      response.write(text)
      if (response.writableLength > BACKLOG_LIMIT_BYTES) end(true)
    }

    function emit(kind: string, object: KubeObject): void {
      const body = form === 'object' ? jsonOf(object) : JSON.stringify(inForm(form, type, object, include, firstRow))
      firstRow = false
      write(`{"type":"${kind}","object":${body}}\n`)
    }

    /** With a selector, an object that starts or stops matching comes and goes for this watcher. */
    function relay(change: Change): void {
      sent = change.revision
      const { object, previous } = change
      if (namespace !== '' && object.metadata.namespace !== namespace) return
      const now = change.type !== 'DELETED' && matches(object)
      const before = previous !== null && matches(previous)
      if (now) emit(before ? 'MODIFIED' : 'ADDED', object)
      else if (before)
        emit(
          'DELETED',
          change.type === 'DELETED'
            ? object
            : { ...previous, metadata: { ...previous.metadata, resourceVersion: object.metadata.resourceVersion } },
        )
    }

    function bookmark(annotations?: Record<string, string>): void {
      const metadata = { resourceVersion: String(sent), ...(annotations === undefined ? {} : { annotations }) }
      const object = { kind: type.kind, apiVersion: apiVersionOf(type), metadata } as KubeObject // only the version means anything
      const body =
        form === 'object'
          ? JSON.stringify({ ...object, ...emptyBody(type.hasStatus) })
          : JSON.stringify(inForm(form, type, object, 'None', firstRow))
      write(`{"type":"BOOKMARK","object":${body}}\n`)
    }

    const missed = from === 0 ? [] : store.changesSince(type.key, from)
    response.writeHead(200, HEADERS)
    response.flushHeaders()
    if (missed === null) {
      const status = statusBody(expired(`too old resource version: ${from} (${store.revision()})`))
      response.end(`{"type":"ERROR","object":${JSON.stringify(status)}}\n`)
      return
    }
    if (from === 0 || initial) {
      sent = store.revision()
      for (const object of store.list(type.key, namespace)) if (matches(object)) emit('ADDED', object)
      if (initial && bookmarks) bookmark({ 'k8s.io/initial-events-end': 'true' })
    } else for (const change of missed) relay(change)

    const unsubscribe = store.subscribe(type.key, relay)
    const ticker = bookmarks
      ? setInterval(() => {
          sent = store.revision()
          bookmark()
        }, BOOKMARK_EVERY_MS)
      : undefined
    const seconds = integer(query, 'timeoutSeconds') || DEFAULT_TIMEOUT_SECONDS
    const timer = setTimeout(() => {
      if (bookmarks) {
        sent = store.revision()
        bookmark()
      }
      end(false)
    }, seconds * 1000)

    function end(abruptly: boolean): void {
      clearInterval(ticker)
      clearTimeout(timer)
      unsubscribe()
      enders.delete(finish)
      if (abruptly) response.destroy()
      else response.end()
    }
    const finish = (): void => end(false)
    enders.add(finish)
    response.on('close', () => end(false))
  }

  return {
    open,
    close() {
      for (const finish of enders) finish()
    },
  }
}

function isTrue(text: string | null): boolean {
  return text === 'true' || text === '1'
}

function emptyBody(hasStatus: boolean): object {
  return hasStatus ? { spec: {}, status: {} } : {}
}
