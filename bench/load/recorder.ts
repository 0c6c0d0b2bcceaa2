// Records the raw bytes of the watches of Jobs and Pods, and serves them again over HTTP, as often as asked: the same traffic for everybody.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serveCalls } from '../lib/child.ts'
import { type Credentials, createRawClient, jobsPath, podsPath } from '../lib/kube.ts'

const recorded: Record<'jobs' | 'pods', Buffer[]> = { jobs: [], pods: [] }
const ending = new AbortController()

serveCalls({
  async record(credentials: Credentials) {
    const client = createRawClient(credentials, 4)
    for (const [resource, pathOf] of [
      ['jobs', jobsPath],
      ['pods', podsPath],
    ] as const) {
      const path = pathOf(credentials.namespace)
      const { metadata } = JSON.parse((await client.send('GET', `${path}?limit=1`)).text) as { metadata: { resourceVersion: string } }
      const body = await client.stream(`${path}?watch=true&resourceVersion=${metadata.resourceVersion}&timeoutSeconds=3600`, ending.signal)
      void (async () => {
        try {
          for await (const chunk of body) recorded[resource].push(chunk)
        } catch {
          // ended by serve()
        }
      })()
    }
  },
  /** `times`: how often the recording is sent in one answer. Resolves with the events in one answer of each. */
  async serve(times: number) {
    ending.abort()
    const whole = { jobs: wholeLines(recorded.jobs), pods: wholeLines(recorded.pods) }
    const server = createServer((request, response) => {
      const bytes = whole[request.url === '/jobs' ? 'jobs' : 'pods']
      let left = times
      const send = (): void => {
        while (left-- > 0) if (!response.write(bytes)) return void response.once('drain', send)
        response.end()
      }
      send()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const events = (whole.jobs.toString('latin1').split('\n').length + whole.pods.toString('latin1').split('\n').length - 2) * times
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      events,
      bytes: (whole.jobs.length + whole.pods.length) * times,
    }
  },
})

function wholeLines(chunks: Buffer[]): Buffer {
  const all = Buffer.concat(chunks)
  return all.subarray(0, all.lastIndexOf(10) + 1)
}
