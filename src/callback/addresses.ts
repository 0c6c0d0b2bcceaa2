// What kind of place an IP address is: public, private, or where a cloud keeps its credentials. Pure; it looks nothing up.
import { BlockList, isIP } from 'node:net'

/**
 * public: anywhere on the internet. private: loopback, RFC 1918, shared (CGNAT), unique local. linkLocal: one network's own, where metadata
 * services live. metadata: a cloud's service that hands out credentials. special: no place to send a request to.
 */
export type AddressKind = 'public' | 'private' | 'linkLocal' | 'metadata' | 'special'

type Family = 'ipv4' | 'ipv6'

/** Sources: AWS (IMDS, ECS, EKS), Google, Azure (WireServer), Alibaba, Oracle (its older address). */
const METADATA = blockList([
  ['169.254.169.254', 32],
  ['169.254.170.2', 32],
  ['169.254.170.23', 32],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['fd00:ec2::254', 128],
  ['fd00:ec2::23', 128],
  ['fd20:ce::254', 128],
])

const LINK_LOCAL = blockList([
  ['169.254.0.0', 16],
  ['fe80::', 10],
])

const PRIVATE = blockList([
  ['127.0.0.0', 8],
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10],
  ['198.18.0.0', 15],
  ['::1', 128],
  ['fc00::', 7],
  ['fec0::', 10],
])

/** Sources: IANA's special-purpose registries for IPv4 and IPv6. */
const SPECIAL = blockList([
  ['0.0.0.0', 8],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  ['::', 128],
  ['100::', 64],
  ['64:ff9b:1::', 48],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
  ['5f00::', 16],
  ['ff00::', 8],
])

/** IPv6 ranges that carry an IPv4 address: the request may end up there, so that one counts. `at` is the 16-bit group it begins with. */
const CARRIERS: { range: BlockList; at: number }[] = [
  { range: blockList([['::ffff:0:0', 96]]), at: 6 }, // mapped
  { range: blockList([['::ffff:0:0:0', 96]]), at: 6 }, // translated (SIIT)
  { range: blockList([['64:ff9b::', 96]]), at: 6 }, // NAT64
  { range: blockList([['2002::', 16]]), at: 1 }, // 6to4
  { range: blockList([['::', 96]]), at: 6 }, // compatible, except :: and ::1, which are looked at first
]

/** null when the text is no IP address. A zone (fe80::1%eth0) is left out of account. */
export function addressKind(text: string): AddressKind | null {
  const address = text.replace(/%.*$/, '')
  const version = isIP(address)
  if (version === 0) return null
  const family: Family = version === 4 ? 'ipv4' : 'ipv6'
  if (METADATA.check(address, family)) return 'metadata'
  const carried = family === 'ipv6' ? carriedIpv4(address) : null
  if (carried !== null) return addressKind(carried)
  if (LINK_LOCAL.check(address, family)) return 'linkLocal'
  if (PRIVATE.check(address, family)) return 'private'
  if (SPECIAL.check(address, family)) return 'special'
  // Only 2000::/3 is handed out for use on the internet.
  return family === 'ipv6' && !/^[23]/.test(groupsOf(address)[0]?.toString(16).padStart(4, '0') ?? '') ? 'special' : 'public'
}

function carriedIpv4(address: string): string | null {
  const groups = groupsOf(address)
  if (groups.slice(0, 7).every((group) => group === 0) && (groups[7] ?? 0) <= 1) return null
  const carrier = CARRIERS.find(({ range }) => range.check(address, 'ipv6'))
  if (!carrier) return null
  const [high = 0, low = 0] = groups.slice(carrier.at, carrier.at + 2)
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

/** The eight 16-bit groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  const [, start = '', a, b, c, d] = dotted ?? []
  const hex = (high: string | undefined, low: string | undefined) => (Number(high) * 256 + Number(low)).toString(16)
  const text = dotted ? `${start}${hex(a, b)}:${hex(c, d)}` : address
  const [left = '', right] = text.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  if (right === undefined) return parse(left)
  const [before, behind] = [parse(left), parse(right)]
  return [...before, ...new Array<number>(8 - before.length - behind.length).fill(0), ...behind]
}

function blockList(ranges: [address: string, prefix: number][]): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of ranges) list.addSubnet(address, prefix, isIP(address) === 4 ? 'ipv4' : 'ipv6')
  return list
}
