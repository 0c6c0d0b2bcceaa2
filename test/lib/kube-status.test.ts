// Errors of the API in protobuf: read as their JSON would be, and whatever else comes is no reason to throw.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readProtobufStatus } from '../../src/lib/kube-status.ts'
import { isProtobuf } from '../../src/lib/protobuf.ts'

/** As kube-apiserver 1.37 answered `POST …/jobs` of a name that is taken. */
const ALREADY_EXISTS = Buffer.from(
  'azhzAAoMCgJ2MRIGU3RhdHVzEmAKBgoAEgAaABIHRmFpbHVyZRoham9icy5iYXRjaCAidGFrZW4iIGFscmVhZHkgZXhpc3RzIg1BbHJlYWR5RXhpc3RzKhgKBXRha2VuEgViYXRjaBoEam9icygAMgAwmQMaACIA',
  'base64',
)

const field = (number: number, value: string | Buffer | number): Buffer =>
  typeof value === 'number'
    ? Buffer.concat([Buffer.from([number << 3]), varint(value)])
    : Buffer.concat([Buffer.from([(number << 3) | 2]), varint(Buffer.byteLength(value)), Buffer.from(value)])
function varint(value: number): Buffer {
  const bytes: number[] = []
  for (let left = value; ; left = Math.floor(left / 128)) {
    bytes.push(left < 128 ? left : (left % 128) | 128)
    if (left < 128) return Buffer.from(bytes)
  }
}
const wrapped = (kind: string, object: Buffer): Buffer =>
  Buffer.concat([
    Buffer.from('k8s\0'),
    field(1, Buffer.concat([field(1, 'v1'), field(2, kind)])),
    field(2, object),
    field(3, ''),
    field(4, ''),
  ])

test('what kube-apiserver really answered', () => {
  assert.ok(isProtobuf(ALREADY_EXISTS))
  assert.deepEqual(readProtobufStatus(ALREADY_EXISTS), {
    reason: 'AlreadyExists',
    message: 'jobs.batch "taken" already exists',
    retryAfterSeconds: null,
  })
})

test('reason, message beyond ASCII, and the seconds to wait', () => {
  const details = Buffer.concat([field(1, 'x'), field(5, 300)])
  const status = Buffer.concat([
    field(1, ''),
    field(2, 'Failure'),
    field(3, 'später — „x“'),
    field(4, 'TooManyRequests'),
    field(5, details),
    field(6, 429),
  ])
  assert.deepEqual(readProtobufStatus(wrapped('Status', status)), {
    reason: 'TooManyRequests',
    message: 'später — „x“',
    retryAfterSeconds: 300,
  })
})

test('JSON and a proxy’s page are no protobuf; another kind is no Status', () => {
  for (const text of ['{"kind":"Status"}', '<html>', '']) assert.equal(isProtobuf(Buffer.from(text)), false)
  assert.equal(readProtobufStatus(wrapped('Job', field(3, 'x'))), null)
})

test('broken off at any byte, or with any byte changed: never an exception', () => {
  for (let at = 0; at <= ALREADY_EXISTS.length; at++) {
    readProtobufStatus(ALREADY_EXISTS.subarray(0, at))
    for (const value of [0x00, 0x7f, 0x80, 0xff]) {
      const changed = Buffer.from(ALREADY_EXISTS)
      changed[at] = value
      readProtobufStatus(changed)
    }
  }
})
