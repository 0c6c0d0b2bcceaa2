// `jobhook release` on the embedded API: what it says of the dedupe ledger, and that it deletes this worker's only when told to.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { workerLabel } from '../../src/jobspec/index.ts'
import { LABELS, MANAGED_BY } from '../../src/model/keys.ts'
import { LEDGER_LABEL } from '../../src/upkeep/ledger.ts'
import { type Started, start, temporaryFolder } from '../embedded/start.ts'
import { run } from './command.ts'

const folder = temporaryFolder()
const kubeconfig = join(folder.path, 'kubeconfig')
let api: Started
before(async () => {
  api = await start()
  writeFileSync(kubeconfig, api.cluster.kubeconfig)
  for (const [name, worker] of [
    ['ledger-1', 'w1'],
    ['ledger-2', 'w1'],
    ['ledger-of-another', 'w2'],
  ] as const) {
    const labels = { [LABELS.managedBy]: MANAGED_BY, [LABELS.worker]: workerLabel(worker), [LEDGER_LABEL]: 'true' }
    const made = await api.call('POST', '/api/v1/namespaces/default/configmaps', { metadata: { name, labels }, data: {} })
    assert.equal(made.status, 201, made.text)
  }
})
after(async () => {
  await api?.cluster.close()
  folder.remove()
})

const release = (...more: string[]) => run(['release', '--worker-id', 'w1', '--kubeconfig', kubeconfig, ...more])
async function ledgers(): Promise<string[]> {
  const { body } = await api.call('GET', `/api/v1/namespaces/default/configmaps?labelSelector=${encodeURIComponent(LEDGER_LABEL)}`)
  return body.items.map((item: { metadata: { name: string } }) => item.metadata.name)
}

test('release says that the dedupe ledger stays, and how to delete it; --delete-ledger deletes this worker’s', async () => {
  const said = await release()
  assert.deepEqual([said.code, said.err], [0, ''])
  assert.match(
    said.out,
    /^2 ConfigMaps of its dedupe ledger stay; to delete: --delete-ledger, or kubectl -n default delete configmaps -l /m,
  )
  assert.match((await release('--delete-ledger', '--dry-run')).out, /2 ConfigMaps of its dedupe ledger would be deleted/)
  assert.equal((await ledgers()).length, 3)
  assert.match((await release('--delete-ledger')).out, /2 ConfigMaps of its dedupe ledger deleted/)
  assert.deepEqual(await ledgers(), ['ledger-of-another'])
  assert.doesNotMatch((await release()).out, /ledger/)
})
