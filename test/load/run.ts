// `npm run load`: more than a service can take, for minutes, from another process; a table of what was answered, and whether each promise was kept.
// Exit code 1 when one was broken. docs/load.md
import { parseArgs } from 'node:util'
import { embeddedTarget, realTarget } from '../chaos/target.ts'
import { judge, promiseTable, requestTable } from './judge.ts'
import { runLoad } from './load.ts'

const HELP = `npm run load -- [options]

  --seconds S       how long the load lasts (default: 300)
  --factor N        times the capacity (default: 3)
  --places P        tasks that may run at once (default: 60)
  --task-seconds T  how long each runs (default: 3); capacity = places / task-seconds
  --clients C       keep-alive connections (default: 300)
  --slow C          connections that never finish a request (default: 20)
  --cluster WHICH   embedded (default), or real: the cluster that JOBHOOK_TEST_* tells of, Pods on kwok nodes
`

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '300' },
      factor: { type: 'string', default: '3' },
      places: { type: 'string', default: '60' },
      'task-seconds': { type: 'string', default: '3' },
      clients: { type: 'string', default: '300' },
      slow: { type: 'string', default: '20' },
      cluster: { type: 'string', default: 'embedded' },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const target = await (values.cluster === 'real' ? realTarget('kwok') : embeddedTarget())
  const startedMs = Date.now()
  try {
    const options = {
      seconds: numberOf('--seconds', values.seconds),
      idleSeconds: 15,
      clients: numberOf('--clients', values.clients),
      slowClients: numberOf('--slow', values.slow),
      places: numberOf('--places', values.places),
      taskSeconds: numberOf('--task-seconds', values['task-seconds']),
      factor: numberOf('--factor', values.factor),
      settleSeconds: 120,
      say: (line: string) => void process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${line}\n`),
    }
    const { loaded, seen } = await runLoad(target, options)
    const promised = judge(loaded, seen, { latency: true })
    const rate = (options.factor * options.places) / options.taskSeconds
    process.stdout.write(
      `${target.name}: ${rate} assignments a second for ${options.seconds} s, ${options.factor} times what ${options.places} places take; ${options.clients} clients, ${seen.connectionsMost} open files at most\n\n`,
    )
    process.stdout.write(`${requestTable(loaded)}\n${promiseTable(promised)}\n`)
    const broken = promised.filter(({ kept }) => !kept).length
    process.stdout.write(
      `${promised.length - broken} promises kept, ${broken} broken, in ${((Date.now() - startedMs) / 1000).toFixed(0)} s\n`,
    )
    return broken === 0 ? 0 : 1
  } finally {
    await target.close()
  }
}

function numberOf(option: string, text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) throw new Error(`${option} ${text}: must be a number, 0 or more`)
  return number
}

process.exitCode = await main()
