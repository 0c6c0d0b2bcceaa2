// Label selectors match what kubectl -l would match.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseLabelSelector } from '../../src/lib/label-selector.ts'

const labels = { team: 'web', tier: 'front', empty: '' }
const rows: [selector: string, matches: boolean | null][] = [
  ['', true],
  ['team=web', true],
  ['team==web', true],
  ['team = web', true],
  ['team=db', false],
  ['team!=db', true],
  ['team!=web', false],
  ['other!=x', true],
  ['team in (web,db)', true],
  ['team in ( web , db )', true],
  ['team in(web)', true],
  ['team in (db)', false],
  ['other in (web)', false],
  ['team notin (db, ops)', true],
  ['team notin (web)', false],
  ['other notin (web)', true],
  ['team', true],
  ['other', false],
  ['!other', true],
  ['! team', false],
  ['empty=', true],
  ['team=', false],
  ['team=web,tier=front', true],
  ['team in (web,db),!other,tier!=back', true],
  ['team=web,tier=back', false],
  // What Object.prototype has is no label.
  ['constructor', false],
  ['!toString', true],
  ['team=web,', null],
  ['=web', null],
  ['team in web', null],
  ['team in (web', null],
  ['team in (we b)', null],
  ['team>3', null],
  ['-team', null],
  ['team=web=db', null],
]
for (const [selector, expected] of rows) {
  test(`"${selector}" ${expected === null ? 'is refused' : expected ? 'matches' : 'does not match'}`, () => {
    const parsed = parseLabelSelector(selector)
    assert.equal(parsed.ok ? parsed.matches(labels) : null, expected)
  })
}
