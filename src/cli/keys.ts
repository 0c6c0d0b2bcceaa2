// `jobhook keys`: makes keys for signing webhooks. They go to standard output alone, so that they can be piped.
import { generateKeyPair, generateSecret } from '../lib/standard-webhooks.ts'
import { type CommandSpec, EXIT, runWith } from './options.ts'

const SPEC: CommandSpec = {
  name: 'keys',
  summary: 'Makes a webhook secret (whsec_…), or with --ed25519 a private key (whsk_…) and its public key (whpk_…).',
  usage: '[--ed25519]',
  positionals: { min: 0, max: 0 },
  options: {
    ed25519: { description: 'A pair of keys instead: the sender signs with the first line, the receiver verifies with the second.' },
  },
  notes: ['A secret is shared by sender and receiver. Of a pair only the public key leaves the sender.'],
}

export function keys(argv: string[]): Promise<number> {
  return runWith(SPEC, argv, async (args) => {
    const pair = args.has('ed25519') ? generateKeyPair() : null
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
