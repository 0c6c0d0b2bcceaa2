// `jobhook keys`: makes keys for signing webhooks. They go to standard output alone, so that they can be piped.
import { generateKeyPair, generateSecret } from '../lib/standard-webhooks.ts'
import { type CommandSpec, EXIT, runWith } from './options.ts'

export const SPEC: CommandSpec = {
  name: 'keys',
  summary: 'Makes a webhook secret, or a pair of ed25519 keys.',
  usage: '[--ed25519] [--json]',
  positionals: { min: 0, max: 0 },
  options: {
    ed25519: { description: 'A pair of keys instead: the sender signs with the first line, the receiver verifies with the second.' },
    json: { description: 'Prints {"secret"}, or {"private_key", "public_key"}.' },
  },
  notes: [
    'A secret is whsec_…, a private key whsk_…, a public key whpk_….',
    'A secret is shared by sender and receiver. Of a pair only the public key leaves the sender.',
  ],
}

export function keys(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const pair = args.has('ed25519') ? generateKeyPair() : null
    if (args.has('json')) {
      const made = pair ? { private_key: pair.privateKey, public_key: pair.publicKey } : { secret: generateSecret() }
      process.stdout.write(`${JSON.stringify(made)}\n`)
      return EXIT.ok
    }
    process.stdout.write(pair ? `${pair.privateKey}\n${pair.publicKey}\n` : `${generateSecret()}\n`)
    if (process.stdout.isTTY) {
      process.stderr.write(
        pair
          ? 'First line: the sender’s private key. Second line: the public key, for the receiver.\n'
          : 'The same secret goes to the sender and to the receiver.\n',
      )
    }
    return EXIT.ok
  })
}
