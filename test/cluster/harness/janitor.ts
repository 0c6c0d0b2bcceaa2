// Waits for the run that started it to end. If the run was killed before it could clean up, ends the cluster in its place.
// Its own session, so that neither Ctrl-C nor a closed terminal reaches it.
import { existsSync } from 'node:fs'
import { openLedger } from './ledger.ts'
import { stopCluster } from './stop.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: janitor.ts FOLDER')

let released = false
process.stdin.on('data', () => {
  released = true // the run has cleaned up itself, or leaves the cluster up on purpose
})
process.stdin.on('end', async () => {
  if (!released && existsSync(folder)) await stopCluster(openLedger(folder), false)
})
