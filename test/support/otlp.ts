// A collector of OpenTelemetry traces: takes OTLP over HTTP as protobuf and decodes the few fields that tests look at.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface CollectedSpan {
  traceId: string
  spanId: string
  parentSpanId: string
  name: string
  kind: 'internal' | 'server' | 'client' | 'other'
  startMs: number
  endMs: number
  attributes: Record<string, string | number | boolean>
  events: { name: string; atMs: number }[]
  failed: boolean
  resource: Record<string, string | number | boolean>
}

export interface Collector {
  url: string
  spans: CollectedSpan[]
  requests: { path: string; headers: Record<string, string | string[] | undefined> }[]
  /** Every byte received. */
  raw(): Buffer
  close(): Promise<void>
}

export async function startCollector(): Promise<Collector> {
  const bodies: Buffer[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks)
    bodies.push(body)
    collector.requests.push({ path: request.url ?? '', headers: request.headers })
    collector.spans.push(...decode(body))
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const collector: Collector = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans: [],
    requests: [],
    raw: () => Buffer.concat(bodies),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return collector
}

/** Field number → values, in order: bytes, or a number for varints and fixed64. Source: the protobuf wire format. */
type Fields = Map<number, (Buffer | bigint)[]>

function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map()
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++)
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  const take = (length: number): Buffer => {
    at += length
    return bytes.subarray(at - length, at)
  }
  while (at < bytes.length) {
    const tag = Number(varint())
    const type = tag & 7
    const value =
      type === 0 ? varint() : type === 1 ? take(8).readBigUInt64LE() : type === 2 ? take(Number(varint())) : BigInt(take(4).readUInt32LE())
    fields.set(tag >> 3, [...(fields.get(tag >> 3) ?? []), value])
  }
  return fields
}

const all = (fields: Fields, number: number): Buffer[] => (fields.get(number) ?? []).filter((value) => Buffer.isBuffer(value))
const text = (fields: Fields, number: number): string => all(fields, number)[0]?.toString('utf8') ?? ''
const hex = (fields: Fields, number: number): string => all(fields, number)[0]?.toString('hex') ?? ''
const integer = (fields: Fields, number: number): bigint => BigInt((fields.get(number)?.[0] as bigint | undefined) ?? 0n)
const ms = (fields: Fields, number: number): number => Number(integer(fields, number) / 1_000_000n)

/** opentelemetry/proto/trace/v1/trace.proto: the numbers are the fields'. */
function decode(body: Buffer): CollectedSpan[] {
  return all(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const part = fieldsOf(resourceSpans)
    const resource = attributesOf(fieldsOf(all(part, 1)[0] ?? Buffer.alloc(0)), 1)
    return all(part, 2).flatMap((scopeSpans) => all(fieldsOf(scopeSpans), 2).map((span) => spanOf(fieldsOf(span), resource)))
  })
}

function spanOf(span: Fields, resource: CollectedSpan['resource']): CollectedSpan {
  return {
    traceId: hex(span, 1),
    spanId: hex(span, 2),
    parentSpanId: hex(span, 4),
    name: text(span, 5),
    kind: (['other', 'internal', 'server', 'client'] as const)[Number(integer(span, 6))] ?? 'other',
    startMs: ms(span, 7),
    endMs: ms(span, 8),
    attributes: attributesOf(span, 9),
    events: all(span, 11)
      .map(fieldsOf)
      .map((event) => ({ name: text(event, 2), atMs: ms(event, 1) })),
    failed: integer(fieldsOf(all(span, 15)[0] ?? Buffer.alloc(0)), 3) === 2n,
    resource,
  }
}

function attributesOf(fields: Fields, number: number): Record<string, string | number | boolean> {
  return Object.fromEntries(
    all(fields, number)
      .map(fieldsOf)
      .map((pair) => {
        const value = fieldsOf(all(pair, 2)[0] ?? Buffer.alloc(0))
        return [text(pair, 1), value.has(1) ? text(value, 1) : value.has(2) ? integer(value, 2) === 1n : Number(integer(value, 3))]
      }),
  )
}
