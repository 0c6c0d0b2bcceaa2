// Which addresses a callback may go to, row by row.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AddressKind, addressKind } from '../../src/callback/addresses.ts'
import { addressProblem, type EgressPolicy, literalProblem } from '../../src/callback/egress.ts'

const rows: [address: string, kind: AddressKind | null][] = [
  // The internet.
  ['8.8.8.8', 'public'],
  ['1.1.1.1', 'public'],
  ['172.15.255.255', 'public'],
  ['172.32.0.0', 'public'],
  ['100.63.255.255', 'public'],
  ['100.128.0.0', 'public'],
  ['169.253.255.255', 'public'],
  ['198.17.255.255', 'public'],
  ['223.255.255.255', 'public'],
  ['2606:4700:4700::1111', 'public'],
  ['2a00:1450:4001::1', 'public'],
  ['2001:4860:4860::8888', 'public'],
  // This machine.
  ['127.0.0.1', 'private'],
  ['127.1.2.3', 'private'],
  ['::1', 'private'],
  ['0:0:0:0:0:0:0:1', 'private'],
  // Private networks.
  ['10.0.0.1', 'private'],
  ['10.255.255.255', 'private'],
  ['172.16.0.0', 'private'],
  ['172.31.255.255', 'private'],
  ['192.168.0.1', 'private'],
  ['100.64.0.1', 'private'],
  ['100.127.255.255', 'private'],
  ['198.18.0.1', 'private'],
  ['fc00::1', 'private'],
  ['fdff:ffff::1', 'private'],
  ['fec0::1', 'private'],
  // One network's own.
  ['169.254.0.1', 'linkLocal'],
  ['169.254.169.253', 'linkLocal'],
  ['fe80::1', 'linkLocal'],
  ['fe80::1%eth0', 'linkLocal'],
  ['febf::1', 'linkLocal'],
  // Clouds' metadata services.
  ['169.254.169.254', 'metadata'],
  ['169.254.170.2', 'metadata'],
  ['169.254.170.23', 'metadata'],
  ['168.63.129.16', 'metadata'],
  ['100.100.100.200', 'metadata'],
  ['192.0.0.192', 'metadata'],
  ['fd00:ec2::254', 'metadata'],
  ['fd00:ec2:0:0:0:0:0:254', 'metadata'],
  ['fd00:ec2::23', 'metadata'],
  ['fd20:ce::254', 'metadata'],
  // IPv4 carried in IPv6 counts as that IPv4.
  ['::ffff:127.0.0.1', 'private'],
  ['::ffff:7f00:1', 'private'],
  ['0:0:0:0:0:ffff:7f00:0001', 'private'],
  ['::ffff:10.0.0.1', 'private'],
  ['::ffff:169.254.169.254', 'metadata'],
  ['::ffff:a9fe:a9fe', 'metadata'],
  ['::ffff:8.8.8.8', 'public'],
  ['::127.0.0.1', 'private'],
  ['::7f00:1', 'private'],
  ['::a9fe:a9fe', 'metadata'],
  ['::8.8.8.8', 'public'],
  ['::ffff:0:127.0.0.1', 'private'],
  ['64:ff9b::7f00:1', 'private'],
  ['64:ff9b::169.254.169.254', 'metadata'],
  ['64:ff9b::8.8.8.8', 'public'],
  ['2002:7f00:1::', 'private'],
  ['2002:a9fe:a9fe::1', 'metadata'],
  ['2002:808:808::1', 'public'],
  // Nothing to send a request to.
  ['0.0.0.0', 'special'],
  ['0.1.2.3', 'special'],
  ['::', 'special'],
  ['192.0.2.1', 'special'],
  ['198.51.100.1', 'special'],
  ['203.0.113.1', 'special'],
  ['224.0.0.1', 'special'],
  ['239.255.255.255', 'special'],
  ['240.0.0.1', 'special'],
  ['255.255.255.255', 'special'],
  ['ff02::1', 'special'],
  ['64:ff9b:1::1', 'special'],
  ['100::1', 'special'],
  ['2001::1', 'special'],
  ['2001:db8::1', 'special'],
  ['3fff::1', 'special'],
  ['4000::1', 'special'],
  ['1::1', 'special'],
  // No addresses.
  ['localhost', null],
  ['127.1', null],
  ['2130706433', null],
  ['[::1]', null],
  ['', null],
]
for (const [address, kind] of rows) {
  test(`${address || '(empty)'} is ${kind ?? 'no address'}`, () => assert.equal(addressKind(address), kind))
}

const allowed: [policy: EgressPolicy, kinds: string][] = [
  ['guarded', '8.8.8.8'],
  ['private', '8.8.8.8 10.0.0.1 ::1'],
  ['trusted', '8.8.8.8 10.0.0.1 ::1 169.254.1.1'],
]
for (const [policy, addresses] of allowed) {
  test(`${policy}: ${addresses} may be reached, metadata never`, () => {
    const all = ['8.8.8.8', '10.0.0.1', '::1', '169.254.1.1', '169.254.169.254', 'fd00:ec2::254', '::ffff:169.254.169.254']
    assert.deepEqual(
      all.filter((address) => addressProblem(address, policy) === null),
      addresses.split(' '),
    )
  })
}

const literals: [url: string, ok: boolean][] = [
  ['http://127.0.0.1/x', false],
  ['http://127.1/x', false],
  ['http://0x7f.0.0.1/x', false],
  ['http://2130706433/x', false],
  ['http://017700000001/x', false],
  ['http://[::1]:8080/x', false],
  ['http://[::ffff:127.0.0.1]/x', false],
  ['http://8.8.8.8/x', true],
  ['http://[2606:4700::1]/x', true],
  ['http://a-name.example/x', true],
]
for (const [url, ok] of literals) {
  test(`${url} ${ok ? 'passes' : 'is refused'} before any connection`, () => assert.equal(literalProblem(url, 'guarded') === null, ok))
}
