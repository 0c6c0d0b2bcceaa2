// What a task's callback_url may not do: leave the allowed origins by any spelling, or lead to a private address by a name that changes its mind.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { Agent, buildConnector, request } from 'undici'
import { addressProblem, callbackUrlProblem, guardConnector, literalProblem } from '../../src/callback/egress.ts'

const ALLOWED = ['https://control.example', 'http://hooks.example:8080', 'https://[2001:db8::5]']

const urls: [url: string, allowed: boolean][] = [
  ['https://control.example/hooks', true],
  ['https://control.example:443/hooks?a=b#c', true],
  ['HTTPS://CONTROL.EXAMPLE/hooks', true],
  ['https://control.example/../../x', true],
  ['http://hooks.example:8080', true],
  ['http://control.example/hooks', false],
  ['https://control.example:8443/hooks', false],
  ['http://hooks.example/', false],
  ['https://control.example.evil.example/', false],
  ['https://control.example@evil.example/', false],
  ['https://control.example:443@evil.example/', false],
  ['https://control.example%40evil.example/', false],
  ['https://evil.example/https://control.example', false],
  ['https://evil.example#@control.example', false],
  ['https://evil.example?@control.example', false],
  ['https://evil.example\\@control.example', false],
  ['https://user@control.example/', false],
  ['https://:secret@control.example/', false],
  ['https://control.example./', false],
  ['https://control。example/', true], // an ideographic full stop is a full stop: the very same host
  ['https://control.exаmple/', false], // a Cyrillic а
  ['https://control.example\u0000.evil.example/', false],
  ['https://control.example\r\nHost: evil.example/', false],
  ['//control.example/hooks', false],
  ['/hooks', false],
  ['control.example/hooks', false],
  ['https:control.example@evil.example', false],
  ['ftp://control.example/', false],
  ['file:///etc/passwd', false],
  ['file://control.example/etc/passwd', false],
  ['gopher://control.example/_x', false],
  ['data:text/plain,https://control.example', false],
  ['blob:https://control.example/1', false],
  ['javascript:fetch("https://control.example")', false],
  ['http://169.254.169.254/latest/meta-data', false],
  ['', false],
]
for (const [url, allowed] of urls) {
  test(`${JSON.stringify(url)} is ${allowed ? 'one of the allowed origins' : 'refused'}`, () => {
    assert.equal(callbackUrlProblem(url, ALLOWED) === null, allowed, callbackUrlProblem(url, ALLOWED) ?? 'allowed')
  })
}

/** Spellings of addresses that a URL parser reads as one: if an operator allows such an origin, the address is what counts. */
const spellings: [host: string, policy: 'guarded' | 'private', refused: boolean][] = [
  ['127.0.0.1', 'guarded', true],
  ['127.1', 'guarded', true],
  ['0177.0.0.1', 'guarded', true],
  ['0x7f.1', 'guarded', true],
  ['2130706433', 'guarded', true],
  ['①②⑦.⓪.⓪.①', 'guarded', true],
  ['127。0。0。1', 'guarded', true],
  ['[::1]', 'guarded', true],
  ['[0:0:0:0:0:ffff:127.0.0.1]', 'guarded', true],
  ['[::ffff:7f00:1]', 'guarded', true],
  ['[64:ff9b::7f00:1]', 'guarded', true],
  ['[2002:7f00:1::]', 'guarded', true],
  ['0', 'guarded', true],
  ['0.0.0.0', 'private', true],
  ['169.254.169.254', 'private', true],
  ['0xa9fea9fe', 'private', true],
  ['2852039166', 'private', true],
  ['[::ffff:169.254.169.254]', 'private', true],
  ['[fd00:ec2::254]', 'private', true],
  ['10.0.0.1', 'guarded', true],
  ['10.0.0.1', 'private', false],
  ['8.8.8.8', 'guarded', false],
]
for (const [host, policy, refused] of spellings) {
  test(`http://${host}/ is ${refused ? 'refused' : 'let through'} (${policy})`, () => {
    assert.equal(literalProblem(`http://${host}/`, policy) !== null, refused)
  })
}

const inside = createServer((_request, response) => response.end('the private service'))
before(() => new Promise<void>((resolve) => inside.listen(0, '127.0.0.1', resolve)))
after(() => {
  inside.closeAllConnections()
  return new Promise((resolve) => inside.close(resolve))
})

/** A name server that gives these answers, one after the other. */
function agentWith(...answers: string[][]): { agent: Agent; asked: () => number } {
  let asked = 0
  const lookup = async (): Promise<string[]> => answers[Math.min(asked++, answers.length - 1)] ?? []
  const connect = buildConnector({ allowH2: false, timeout: 1_000 })
  return { agent: new Agent({ allowH2: false, connect: guardConnector(connect, { policy: 'guarded', lookup }) }), asked: () => asked }
}
const call = async (agent: Agent): Promise<number> => {
  const { port } = inside.address() as AddressInfo
  const { statusCode, body } = await request(`http://control.example:${port}/`, { dispatcher: agent })
  await body.dump()
  return statusCode
}

test('a name that leads inside is refused, also when only one of its addresses does, and when the answer changes between two connections', async () => {
  for (const answers of [[['127.0.0.1']], [['192.0.2.1', '127.0.0.1']], [['::ffff:127.0.0.1']], [['fd00:ec2::254']], [[]]]) {
    const { agent } = agentWith(...answers)
    await assert.rejects(call(agent), /private address|metadata|no address|nothing can be sent/)
    await agent.close()
  }
})

test('rebinding: the address that was checked is the address that is connected to; the name is not looked up again for it', async () => {
  const connected: string[] = []
  let asked = 0
  const guarded = guardConnector(
    (options, callback) => {
      connected.push(options.hostname)
      callback(new Error('not needed'), null)
    },
    { policy: 'guarded', lookup: async () => (asked++ === 0 ? ['93.184.215.14'] : ['127.0.0.1']) },
  )
  await new Promise<void>((resolve) => guarded({ hostname: 'control.example', protocol: 'https:', port: '443' } as never, () => resolve()))
  assert.deepEqual([connected, asked], [['93.184.215.14'], 1])
  await new Promise<void>((resolve) => guarded({ hostname: 'control.example', protocol: 'https:', port: '443' } as never, () => resolve()))
  assert.deepEqual([connected, asked], [['93.184.215.14'], 2], 'the second connection was refused')
  assert.equal(addressProblem('127.0.0.1', 'guarded') === null, false)
})
