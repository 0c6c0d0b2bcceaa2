/** GET of a collection: selectors, pages that all show one moment, Table and metadata forms. */
import type { ServerResponse } from 'node:http'
import { notSupported } from '../api/causes.ts'
import { apiVersionOf } from '../api/resource.ts'
import type { Cluster } from '../cluster.ts'
import { fieldMatcher, labelMatcher } from '../selectors.ts'
import { badRequest, expired, invalid, resourceVersionTooLarge } from '../status.ts'
import { keyOf } from '../store.ts'
import type { JsonObject, KubeObject } from '../types.ts'
import type { Form } from './accept.ts'
import { sendJson } from './respond.ts'
import { partialMetadata, table, tableRow } from './table.ts'
import type { Target } from './target.ts'

interface Page {
  objects: KubeObject[]
  revision: number
  next: string | null
  remaining: number
}

export function matcherOf(target: Target, query: URLSearchParams): (object: KubeObject) => boolean {
  const byLabel = labelMatcher(query.get('labelSelector'))
  const byField = fieldMatcher(query.get('fieldSelector'), target.type.fieldLabels, target.type.kind)
  return (object) => byLabel(object) && byField(object)
}

export function sendList(cluster: Cluster, target: Target, query: URLSearchParams, form: Form, response: ServerResponse): void {
  const page = readPage(cluster, target, query)
  const metadata: JsonObject = { resourceVersion: String(page.revision) }
  if (page.next !== null) {
    metadata.continue = page.next
    const selecting = query.has('labelSelector') || query.has('fieldSelector')
    if (!selecting) metadata.remainingItemCount = page.remaining
  }
  const { type } = target
  if (form === 'Table') {
    const nowMs = Date.now()
    const include = query.get('includeObject') ?? 'Metadata'
    const rows = page.objects.map((object) => tableRow(type, object, include, nowMs))
    sendJson(response, 200, table(type, rows, metadata, true))
    return
  }
  if (form !== 'object') {
    const list = { kind: 'PartialObjectMetadataList', apiVersion: 'meta.k8s.io/v1' }
    // An empty one is null in the real API, unlike the items of other lists.
    sendJson(response, 200, { ...list, metadata, items: page.objects.length === 0 ? null : page.objects.map(partialMetadata) })
    return
  }
  // Items of a list carry no kind and apiVersion of their own, as in the real API.
  const items = page.objects.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest)
  sendJson(response, 200, { kind: `${type.kind}List`, apiVersion: apiVersionOf(type), metadata, items })
}

export function readPage(cluster: Cluster, target: Target, query: URLSearchParams): Page {
  const limit = integer(query, 'limit')
  const token = query.get('continue') ?? ''
  const from = token === '' ? null : decodeToken(token)
  const { objects, revision } = objectsAt(cluster, target, query, from)
  const matches = matcherOf(target, query)
  const selected = objects.filter((object) => (from === null || keyOf(object) >= from.start) && matches(object))
  if (limit === 0 || selected.length <= limit) return { objects: selected, revision, next: null, remaining: 0 }
  const last = selected[limit - 1]
  const next = last === undefined ? null : encodeToken(revision, `${keyOf(last)}\0`)
  return { objects: selected.slice(0, limit), revision, next, remaining: selected.length - limit }
}

function objectsAt(
  cluster: Cluster,
  target: Target,
  query: URLSearchParams,
  from: Token | null,
): { objects: KubeObject[]; revision: number } {
  const { store } = cluster
  const { type, namespace } = target
  const current = store.revision()
  if (from !== null) {
    if (query.has('resourceVersion') && query.get('resourceVersion') !== '' && query.get('resourceVersion') !== '0') {
      throw badRequest('specifying resource version is not allowed when using continue')
    }
    if (from.revision < 0) return { objects: store.list(type.key, namespace), revision: current }
    const then = store.listAt(type.key, namespace, from.revision)
    if (then === null) {
      throw expired(
        'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
        encodeToken(-1, from.start),
      )
    }
    return { objects: then, revision: from.revision }
  }
  const wanted = revisionOf(query.get('resourceVersion'), (why) => badRequest(`invalid resource version: resourceVersion: ${why}`))
  const match = query.get('resourceVersionMatch')
  checkMatch(match, query.get('resourceVersion') ?? '')
  if (wanted > current) throw resourceVersionTooLarge(wanted, current)
  if (match !== 'Exact') return { objects: store.list(type.key, namespace), revision: current }
  const then = store.listAt(type.key, namespace, wanted)
  if (then === null) throw expired('The resourceVersion for the provided list is too old.')
  return { objects: then, revision: wanted }
}

const OPTIONS = { group: 'meta.k8s.io', plural: 'listoptions', kind: 'ListOptions' }

function checkMatch(match: string | null, resourceVersion: string): void {
  if (match === null || match === '') return
  const forbid = (why: string) =>
    invalid(OPTIONS, '', [{ reason: 'FieldValueForbidden', message: `Forbidden: ${why}`, field: 'resourceVersionMatch' }])
  if (resourceVersion === '') throw forbid('resourceVersionMatch is forbidden unless resourceVersion is provided')
  if (match !== 'Exact' && match !== 'NotOlderThan')
    throw invalid(OPTIONS, '', [notSupported('resourceVersionMatch', match, ['Exact', 'NotOlderThan', ''])])
  if (match === 'Exact' && resourceVersion === '0') throw forbid('resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
}

/** A resourceVersion from a query; absent and `0` are 0. */
export function revisionOf(text: string | null, onError: (why: string) => Error): number {
  if (text === null || text === '') return 0
  if (!/^\d+$/.test(text))
    throw onError(`Invalid value: ${JSON.stringify(text)}: strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

export function integer(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? ''
  if (text === '') return 0
  if (!/^-?\d+$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Math.max(0, Number(text))
}

interface Token {
  revision: number
  start: string
}

/** The real API's own form, so that a client which looks inside finds what it expects: {v, rv, start}. */
function encodeToken(revision: number, start: string): string {
  return Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: revision, start })).toString('base64url')
}

function decodeToken(text: string): Token {
  try {
    const { v, rv, start } = JSON.parse(Buffer.from(text, 'base64url').toString()) as { v?: string; rv?: number; start?: string }
    if (v === 'meta.k8s.io/v1' && Number.isInteger(rv) && typeof start === 'string') return { revision: rv ?? 0, start }
  } catch {
    // not base64 of JSON: the same answer
  }
  throw badRequest('invalid continue token: continue key is not valid')
}
