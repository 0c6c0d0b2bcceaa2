// What jobhook is compared with: a bare relay in the same place. node:http reads the request, a canned Secret and Job go to the API server, 202
// comes back. No signature, no schema, no duplicates, no limits, no log, no metrics.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Manifests, named } from '../lib/assignments.ts'
import { serveCalls } from '../lib/child.ts'
import { type Credentials, createRawClient, jobsPath, secretsPath } from '../lib/kube.ts'

serveCalls({
  async listen({ credentials, manifests, connections }: { credentials: Credentials; manifests: Manifests; connections: number }) {
    const client = createRawClient(credentials, connections)
    const { namespace } = credentials
    const run = process.pid
    let count = 0
    const server = createServer((request, response) => {
      request.resume()
      request.on('end', async () => {
        const name = `relay-${run}-${count++}`
        try {
          const secret = await client.sendOnly('POST', secretsPath(namespace), named(manifests.secret, name))
          const job = await client.sendOnly('POST', jobsPath(namespace), named(manifests.job, name))
          const body = JSON.stringify({ type: 'task_claimed', data: { id: name } })
          response.writeHead(secret === 201 && job === 201 ? 202 : 502, { 'content-type': 'application/json' }).end(body)
        } catch {
          response.writeHead(502).end()
        }
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  },
})
