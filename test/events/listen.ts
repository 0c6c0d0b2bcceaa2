// Reads server-sent events from a real connection, as they come.
import { request } from 'undici'
import { TOKEN } from '../support/jobhook.ts'
import { until } from '../support/wait.ts'

export interface SentEvent {
  type: string
  /** null: the event had no id line. */
  id: string | null
  // biome-ignore lint/suspicious/noExplicitAny: events of several shapes
  data: any
}

export interface Listening {
  events: SentEvent[]
  /** What came so far, as it came. */
  text(): string
  saw(what: string, isMeant: (event: SentEvent) => boolean): Promise<SentEvent>
  /** Resolves once the other side has ended it. */
  ended(): Promise<void>
  leave(): void
}

export async function listen(url: string, options: { query?: string; lastEventId?: string; token?: string } = {}): Promise<Listening> {
  const gone = new AbortController()
  const response = await request(`${url}/v1/events${options.query ? `?${options.query}` : ''}`, {
    headers: {
      authorization: `Bearer ${options.token ?? TOKEN}`,
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
    },
    signal: gone.signal,
    bodyTimeout: 0,
  })
  if (response.statusCode !== 200) throw new Error(`GET /v1/events: ${response.statusCode} ${await response.body.text()}`)
  const events: SentEvent[] = []
  let text = ''
  let rest = ''
  let ended = false
  const reading = (async () => {
    for await (const chunk of response.body) {
      text += chunk
      rest += chunk
      const parts = rest.split('\n\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const event = parse(part)
        if (event) events.push(event)
      }
    }
  })()
    .catch(() => undefined)
    .finally(() => {
      ended = true
    })
  return {
    events,
    text: () => text,
    saw: (what, isMeant) =>
      until(`${what} (so far: ${events.map(({ type, id }) => `${type} ${id}`).join(', ')})`, () => events.find(isMeant)),
    async ended() {
      await until('the events end', () => ended)
      await reading
    },
    leave: () => gone.abort(),
  }
}

function parse(part: string): SentEvent | null {
  const fields = new Map<string, string>()
  for (const line of part.split('\n')) {
    const colon = line.indexOf(':')
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).replace(/^ /, ''))
  }
  const data = fields.get('data')
  return data === undefined ? null : { type: fields.get('event') ?? 'message', id: fields.get('id') ?? null, data: JSON.parse(data) }
}
