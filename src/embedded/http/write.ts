/** POST, PUT, PATCH and DELETE of objects: reads the body, decodes it against the field tables, and hands it to the registry. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { notSupported } from '../api/causes.ts'
import type { DeleteOptions } from '../api/registry.ts'
import { apiVersionOf, type ResourceType } from '../api/resource.ts'
import type { Cluster } from '../cluster.ts'
import { isObject } from '../json.ts'
import { applyJsonPatch, JsonPatchError, type Operation } from '../patch/json-patch.ts'
import { applyMergePatch } from '../patch/merge-patch.ts'
import { applyStrategicPatch, StrategicPatchError } from '../patch/strategic.ts'
import { DecodeError, decode } from '../schema/decode.ts'
import { ApiError, badRequest, invalid, unsupportedMediaType } from '../status.ts'
import type { JsonObject, KubeObject } from '../types.ts'
import type { Form } from './accept.ts'
import { mediaType, parseJson, parseObject, readBody, requireObjectType } from './body.ts'
import { readPage } from './list.ts'
import { addWarning, sendJson } from './respond.ts'
import { inForm } from './table.ts'
import type { Target } from './target.ts'

export interface WriteRequest {
  cluster: Cluster
  target: Target
  query: URLSearchParams
  form: Form
  request: IncomingMessage
  response: ServerResponse
}

const ORPHAN_WARNING =
  'child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning'

export async function createObject({ cluster, target, query, form, request, response }: WriteRequest): Promise<void> {
  requireObjectType(request)
  const options = writeOptions(query, 'CreateOptions')
  const body = decodeBody(target.type, request, await readBody(request), options.fieldValidation, response)
  const created = cluster.registry.create(target.type, target.namespace, body, options)
  sendJson(response, 201, inForm(form, target.type, created, query.get('includeObject') ?? 'Metadata'))
}

export async function replaceObject({ cluster, target, query, form, request, response }: WriteRequest): Promise<void> {
  requireObjectType(request)
  const options = writeOptions(query, 'UpdateOptions')
  const body = decodeBody(target.type, request, await readBody(request), options.fieldValidation, response)
  if (body.metadata.name === undefined) throw badRequest('name must be provided')
  const updated = cluster.registry.update(target.type, target.namespace, target.name, () => body, {
    ...options,
    part: partOf(target),
    uidIsPrecondition: true,
  })
  sendJson(response, 200, inForm(form, target.type, updated, query.get('includeObject') ?? 'Metadata'))
}

const JSON_PATCH = 'application/json-patch+json'
const MERGE_PATCH = 'application/merge-patch+json'
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json'

export async function patchObject({ cluster, target, query, form, request, response }: WriteRequest): Promise<void> {
  const kind = mediaType(request)
  if (kind !== JSON_PATCH && kind !== MERGE_PATCH && kind !== STRATEGIC_PATCH)
    throw unsupportedMediaType([JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH])
  const options = writeOptions(query, 'PatchOptions')
  const patch = parseJson(await readBody(request), () => badRequest('invalid JSON patch'))
  const change = (current: KubeObject): KubeObject => {
    const patched = applyPatch(kind, target.type, current, patch)
    return decodePatched(target.type, patched, options.fieldValidation, response)
  }
  const updated = cluster.registry.update(target.type, target.namespace, target.name, change, { ...options, part: partOf(target) })
  sendJson(response, 200, inForm(form, target.type, updated, query.get('includeObject') ?? 'Metadata'))
}

function applyPatch(kind: string, type: ResourceType, current: KubeObject, patch: unknown): unknown {
  try {
    if (kind === JSON_PATCH) {
      if (!Array.isArray(patch))
        throw badRequest('error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp')
      return applyJsonPatch(current, patch as Operation[])
    }
    if (!isObject(patch)) throw badRequest('error decoding patch: not an object')
    return kind === MERGE_PATCH ? applyMergePatch(current, patch) : applyStrategicPatch(type.kind, current, patch)
  } catch (error) {
    if (error instanceof JsonPatchError)
      throw new ApiError(422, 'Invalid', 'the server rejected our request due to an error in our request', {})
    if (error instanceof StrategicPatchError) throw new ApiError(500, '', error.message)
    throw error
  }
}

export function deleteObject(write: WriteRequest, options: DeleteOptions): void {
  const { cluster, target, query, form, response } = write
  const { type } = target
  if (type.defaultPropagation === 'Orphan' && options.propagationPolicy === undefined) addWarning(response, ORPHAN_WARNING)
  const { object, removed } = cluster.registry.delete(type, target.namespace, target.name, options)
  if (removed && type.key !== 'pods') {
    const { name, uid } = object.metadata
    const details = { name, ...(type.group === '' ? {} : { group: type.group }), kind: type.plural, uid }
    sendJson(response, 200, { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', details })
    return
  }
  sendJson(response, 200, inForm(form, type, object, query.get('includeObject') ?? 'Metadata'))
}

export function deleteCollection({ cluster, target, query, response }: WriteRequest, options: DeleteOptions): void {
  const { type } = target
  const page = readPage(cluster, target, query)
  for (const object of page.objects) {
    try {
      cluster.registry.delete(type, object.metadata.namespace ?? '', object.metadata.name, options)
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== 404) throw error
    }
  }
  const items = page.objects.map(({ kind: _kind, apiVersion: _apiVersion, ...rest }) => rest)
  sendJson(response, 200, {
    kind: `${type.kind}List`,
    apiVersion: apiVersionOf(type),
    metadata: { resourceVersion: String(page.revision) },
    items,
  })
}

const DELETE_SUBJECT = { group: 'meta.k8s.io', plural: 'deleteoptions', kind: 'DeleteOptions' }
const POLICIES = ['Foreground', 'Background', 'Orphan']

/** Delete options come in the body, in the query, or not at all. */
export async function deleteOptions(request: IncomingMessage, query: URLSearchParams): Promise<DeleteOptions> {
  const bytes = await readBody(request)
  if (bytes.length > 0) requireObjectType(request)
  const body = bytes.length === 0 ? {} : decodeWith('DeleteOptions', parseObject(request, bytes), 'DeleteOptions').value
  const options: DeleteOptions = {}
  const policy =
    body.propagationPolicy ?? query.get('propagationPolicy') ?? orphanWord(body.orphanDependents ?? query.get('orphanDependents'))
  if (typeof policy === 'string') {
    if (!POLICIES.includes(policy)) throw invalid(DELETE_SUBJECT, '', [notSupported('propagationPolicy', policy, [...POLICIES, 'nil'])])
    options.propagationPolicy = policy
  }
  const grace = body.gracePeriodSeconds ?? query.get('gracePeriodSeconds')
  if (grace !== null && grace !== undefined) options.gracePeriodSeconds = Number(grace)
  if (isObject(body.preconditions)) options.preconditions = body.preconditions
  const dryRun = body.dryRun ?? query.getAll('dryRun')
  options.dryRun = checkDryRun(Array.isArray(dryRun) ? dryRun.map(String) : [], 'DeleteOptions')
  return options
}

function orphanWord(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined
  return value === true || value === 'true' ? 'Orphan' : 'Background'
}

function partOf(target: Target): 'main' | 'status' {
  return target.subresource === 'status' ? 'status' : 'main'
}

interface WriteOptions {
  dryRun: boolean
  fieldValidation: 'Ignore' | 'Warn' | 'Strict'
}

export function writeOptions(query: URLSearchParams, kind: string): WriteOptions {
  const wanted = query.get('fieldValidation') ?? ''
  if (!['', 'Ignore', 'Strict', 'Warn'].includes(wanted)) {
    throw invalid({ group: 'meta.k8s.io', plural: kind.toLowerCase(), kind }, '', [
      notSupported('fieldValidation', wanted, ['', 'Ignore', 'Strict', 'Warn']),
    ])
  }
  return {
    dryRun: checkDryRun(query.getAll('dryRun'), kind),
    fieldValidation: wanted === '' ? 'Warn' : (wanted as WriteOptions['fieldValidation']),
  }
}

function checkDryRun(values: readonly string[], kind: string): boolean {
  const given = values.filter((value) => value !== '')
  if (given.some((value) => value !== 'All'))
    throw invalid({ group: 'meta.k8s.io', plural: kind.toLowerCase(), kind }, '', [notSupported('dryRun', given, ['All'])])
  return given.length > 0
}

export function decodeWith(typeName: string, body: unknown, expected: string): { value: JsonObject; unknownFields: string[] } {
  try {
    return decode(typeName, body)
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`${typeName} in version "v1" cannot be handled as a ${expected}: ${error.message}`)
    throw error
  }
}

function decodeBody(
  type: ResourceType,
  request: IncomingMessage,
  bytes: Buffer,
  fieldValidation: string,
  response: ServerResponse,
): KubeObject {
  const unrecognised = (why: string): ApiError =>
    badRequest(`the object provided is unrecognized (must be of type ${type.kind}): couldn't get version/kind; json parse error: ${why}`)
  const body = parseObject(request, bytes, unrecognised)
  if (!isObject(body)) throw unrecognised('not an object')
  const kind = body.kind ?? type.kind
  const version = body.apiVersion ?? apiVersionOf(type)
  if (kind !== type.kind || version !== apiVersionOf(type)) {
    throw badRequest(
      `${String(kind)} in version "${String(version).split('/').at(-1)}" cannot be handled as a ${type.kind}: it is no ${type.kind} of ${apiVersionOf(type)}`,
    )
  }
  const { value, unknownFields } = decodeWith(type.kind, body, type.kind)
  if (unknownFields.length > 0 && fieldValidation === 'Strict') {
    throw badRequest(
      `${type.kind} in version "${type.version}" cannot be handled as a ${type.kind}: strict decoding error: ${unknownList(unknownFields).join(', ')}`,
    )
  }
  warnOf(unknownFields, fieldValidation, response)
  return { ...value, metadata: value.metadata ?? {} } as KubeObject // the registry fills in the rest of the metadata
}

/** A patch that leads to a wrong type or, when strict, to an unknown field is Invalid, not a bad request: so says the real API. */
function decodePatched(type: ResourceType, patched: unknown, fieldValidation: string, response: ServerResponse): KubeObject {
  const refuse = (why: string): ApiError => {
    const message = `Invalid value: ${JSON.stringify(JSON.stringify(patched))}: ${why}`
    return new ApiError(422, 'Invalid', ` "" is invalid: patch: ${message}`, {
      causes: [{ reason: 'FieldValueInvalid', message, field: 'patch' }],
    })
  }
  try {
    const { value, unknownFields } = decode(type.kind, patched)
    if (unknownFields.length > 0 && fieldValidation === 'Strict')
      throw refuse(`strict decoding error: ${unknownList(unknownFields).join(', ')}`)
    warnOf(unknownFields, fieldValidation, response)
    return { ...value, metadata: value.metadata ?? {} } as KubeObject
  } catch (error) {
    throw error instanceof DecodeError ? refuse(error.message) : error
  }
}

function unknownList(fields: readonly string[]): string[] {
  return fields.map((field) => `unknown field ${JSON.stringify(field)}`)
}

function warnOf(unknownFields: readonly string[], fieldValidation: string, response: ServerResponse): void {
  if (fieldValidation === 'Warn') for (const warning of unknownList(unknownFields)) addWarning(response, warning)
}
