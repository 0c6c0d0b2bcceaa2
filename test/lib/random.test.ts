// Texts from the pool of random bytes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { randomText } from '../../src/lib/random.ts'

test('no text comes twice, also where the pool is filled anew, and each has its length', () => {
  const texts = Array.from({ length: 5_000 }, () => randomText(9, 'base64url'))
  assert.equal(new Set(texts).size, texts.length)
  assert.ok(texts.every((text) => /^[\w-]{12}$/.test(text)))
})

test('more bytes than the pool holds', () => {
  assert.match(randomText(5_000, 'hex'), /^[0-9a-f]{10000}$/)
  assert.match(randomText(5, 'hex'), /^[0-9a-f]{10}$/)
})
