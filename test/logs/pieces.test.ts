// The pieces a report's tail is made of, by table: the ring, the cut to size, the redaction, whose log it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fitTail } from '../../src/logs/fit.ts'
import { redact, secretForms } from '../../src/logs/redact.ts'
import { createRing, lastBytes, tailText } from '../../src/logs/ring.ts'
import { logContainer } from '../../src/logs/source.ts'
import type { ContainerState, PodView } from '../../src/model/kube.ts'

const rings = [
  // limit, chunks, kept, dropped
  [4, [], '', 0],
  [4, ['ab'], 'ab', 0],
  [4, ['abcd'], 'abcd', 0],
  [4, ['ab', 'cd', 'e'], 'bcde', 1],
  [4, ['abcdefghij'], 'ghij', 6],
  [4, ['abc', 'defghij'], 'ghij', 6],
  [4, ['abcd', 'ef', 'gh', 'ij', ''], 'ghij', 6],
  [0, ['abc'], '', 3],
] as const
for (const [limit, chunks, kept, dropped] of rings) {
  test(`of ${JSON.stringify(chunks)} a ring of ${limit} keeps ${JSON.stringify(kept)}`, () => {
    const ring = createRing(limit)
    for (const chunk of chunks) ring.push(Buffer.from(chunk))
    const { bytes, droppedBytes } = ring.read()
    assert.deepEqual([bytes.toString(), droppedBytes], [kept, dropped])
  })
}

test('whatever the sizes of the pieces, a ring keeps exactly the last bytes', () => {
  const whole = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 251))
  for (const limit of [1, 100, 16_384, 20_000, 65_537, 200_000]) {
    const ring = createRing(limit)
    let size = 1
    for (let at = 0; at < whole.length; at += size, size = ((size * 7) % 9_973) + 1) ring.push(whole.subarray(at, at + size))
    const { bytes, droppedBytes } = ring.read()
    assert.ok(bytes.equals(whole.subarray(-limit)), `limit ${limit}`)
    assert.equal(droppedBytes, Math.max(0, whole.length - limit))
  }
})

test('half a character at the front is dropped, everything else stays as it is', async () => {
  const chunks = async function* () {
    yield Buffer.from('aäöü')
  }
  assert.equal(tailText(await lastBytes(chunks(), 5)), 'öü')
  assert.equal(tailText(await lastBytes(chunks(), 6)), 'äöü')
  assert.equal(tailText(await lastBytes(chunks(), 100)), 'aäöü')
})

const fits = [
  // text, bytes, JSON bytes, kept
  ['abcdef', 3, 100, 'def'],
  ['abcdef', 6, 100, 'abcdef'],
  ['aäb', 2, 100, 'b'],
  ['aäb', 3, 100, 'äb'],
  ['a😀b', 4, 100, 'b'],
  ['a😀b', 5, 100, '😀b'],
  ['a\n"\\b', 100, 7, '\n"\\b'],
  ['\u0001\u0002\u0003', 100, 12, '\u0002\u0003'],
  ['\u001b[31mred', 100, 7, '[31mred'],
  ['', 10, 10, ''],
] as const
for (const [text, bytes, jsonBytes, kept] of fits) {
  test(`of ${JSON.stringify(text)}, ${bytes} bytes and ${jsonBytes} in JSON hold ${JSON.stringify(kept)}`, () => {
    assert.deepEqual(fitTail(text, bytes, jsonBytes), { text: kept, cut: kept !== text })
  })
}

test('a tail of 64 KiB of anything takes at most 128 KiB in JSON', () => {
  for (const character of ['\u0000', '\ufffd', '"', 'x', '😀', '\ud800']) {
    const { text } = fitTail(character.repeat(65_536), 65_536, 131_072)
    assert.ok(Buffer.byteLength(JSON.stringify(text)) - 2 <= 131_072, JSON.stringify(character))
    assert.ok(Buffer.byteLength(text) <= 65_536)
  }
})

const SECRET = 'hunter2-Ω/"x"'
const KEY = '-----BEGIN KEY-----\nMIIabcdefgh\nijklmnopqr=\n-----END KEY-----\n'
const redactions: [what: string, values: string[], text: string, expected: string][] = [
  ['the value itself, each time', [SECRET], `a ${SECRET} b ${SECRET}`, 'a [redacted] b [redacted]'],
  ['nothing where it does not occur', [SECRET], 'all fine', 'all fine'],
  ['its JSON form', [SECRET], JSON.stringify({ token: SECRET }), '{"token":"[redacted]"}'],
  ['its URL form', [SECRET], `GET /?token=${encodeURIComponent(SECRET)}&x=1`, 'GET /?token=[redacted]&x=1'],
  ['its base64 form', ['s3cr3t-value'], Buffer.from('s3cr3t-value').toString('base64'), '[redacted]'],
  [
    'its base64 form with echo’s newline but for the last characters',
    ['s3cr3t-val'],
    Buffer.from('s3cr3t-val\n').toString('base64'),
    '[redacted]o=',
  ],
  ['a value with white space around it, printed without', ['  padded-value\n'], 'x=padded-value.', 'x=[redacted].'],
  ['the lines of a key one by one', [KEY], 'read MIIabcdefgh', 'read [redacted]'],
  ['a whole key as one place', [KEY], `<${KEY}>`, '<[redacted]>'],
  ['a value within another only once', ['secret-token', 'token-suffix'], 'secret-token-suffix', '[redacted]'],
  ['not a short one', ['12345', 'true'], 'port 12345 is true', 'port 12345 is true'],
  ['a value that means something in a pattern', ['a.*+?^$()'], 'x a.*+?^$() y', 'x [redacted] y'],
  ['a value that is part of the mark', ['redacted'], 'a redacted b secret', 'a [redacted] b secret'],
]
for (const [what, values, text, expected] of redactions) {
  test(`redaction takes out ${what}`, () => {
    assert.equal(redact(text, secretForms(values), { cutFront: false, cutBack: false }).text, expected)
  })
}

test('a value cut in half by the edge of what was kept is taken out too', () => {
  const forms = secretForms(['0123456789abcdef'])
  assert.equal(redact('789abcdef rest', forms, { cutFront: true, cutBack: false }).text, '[redacted] rest')
  assert.equal(redact('start 0123456', forms, { cutFront: false, cutBack: true }).text, 'start [redacted]')
  assert.equal(redact('789abcdef rest', forms, { cutFront: false, cutBack: false }).text, '789abcdef rest')
  assert.equal(redact('start 01234', forms, { cutFront: false, cutBack: true }).text, 'start 01234')
})

test('redaction takes linear time, whatever a task prints', () => {
  const value = `${'a'.repeat(120_000)}b`
  const text = `${'a'.repeat(80_000)}`
  const { text: clean } = redact(text, secretForms([value]), { cutFront: true, cutBack: true })
  assert.equal(clean, '[redacted]')
})

test('the longest part at an edge is found, also where the value repeats itself', () => {
  const forms = ['abcabcabcabd']
  const rows = [
    // text, cut front, cut back
    ['bcabcabd rest', '[redacted] rest', 'bcabcabd rest'],
    ['rest abcabcabca', 'rest abcabcabca', 'rest [redacted]'],
    ['rest abcabcabcabcabcabca', 'rest abcabcabcabcabcabca', 'rest abcabcabc[redacted]'],
  ] as const
  for (const [text, front, back] of rows) {
    assert.equal(redact(text, forms, { cutFront: true, cutBack: false }).text, front)
    assert.equal(redact(text, forms, { cutFront: false, cutBack: true }).text, back)
  }
})

const ended = (exitCode: number, reason = 'Error'): ContainerState => ({
  kind: 'terminated',
  exitCode,
  signal: null,
  reason,
  message: '',
  startedMs: 1,
  finishedMs: 2,
})
const running: ContainerState = { kind: 'running', startedMs: 1 }
const waiting: ContainerState = { kind: 'waiting', reason: 'PodInitializing', message: '' }
const sources: [what: string, states: Record<string, ContainerState | null>, expected: string | null][] = [
  ['the task’s own, when it ran', { 'copy-sidecar-1': ended(0), setup: ended(0), task: ended(1) }, 'task'],
  ['the setup’s, when it failed', { 'copy-sidecar-1': ended(0), setup: ended(2), task: waiting }, 'setup'],
  ['the sidecar copy’s, when it failed', { 'copy-sidecar-1': ended(1), setup: waiting, task: waiting }, 'copy-sidecar-1'],
  ['the one that runs', { 'copy-sidecar-1': ended(0), setup: running, task: waiting }, 'setup'],
  ['none, when nothing has run', { 'copy-sidecar-1': null, setup: null, task: null }, null],
  ['none, when what ran went well and the task’s image never came', { setup: ended(0), task: waiting }, null],
  ['none, when the command does not exist', { task: ended(128, 'StartError') }, null],
]
for (const [what, states, expected] of sources) {
  test(`whose log tells: ${what}`, () => {
    const containers = Object.entries(states).map(([name, state]) => ({
      name,
      role: name === 'task' ? ('task' as const) : ('init' as const),
      state,
      lastState: null,
      restarts: 0,
      image: '',
    }))
    assert.equal(logContainer({ containers } as unknown as PodView, 'task')?.name ?? null, expected)
  })
}
