// One request whose whole answer is wanted, on undici's dispatch interface: no stream object and no abort signal a request, which together cost
// more CPU than the rest of a small request. Not for watches and logs, whose bodies are streams.
import type { Dispatcher } from 'undici'

export interface Exchange {
  dispatcher: Dispatcher
  options: Dispatcher.DispatchOptions
  /** For the whole of it, waiting for a connection and the last byte of the body included. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** Whether a 2xx answer's body is of interest; an error's always is. */
  body: 'text' | 'ignored'
}

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** '' when it was ignored. */
  text: string
}

/** @throws TimeoutError (DOMException) at the deadline; the signal's reason; undici's error when there is no whole answer */
export function exchange({ dispatcher, options, timeoutMs, signal, body }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let ended = false
    let status = 0
    let headers: Answer['headers'] = {}
    let chunks: Buffer[] = []
    const timer = setTimeout(() => {
      fail(new DOMException(`the request took longer than ${timeoutMs} ms`, 'TimeoutError'))
    }, timeoutMs)
    const onAbort = (): void => fail(signal?.reason)

    function end(): void {
      ended = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }

    /** Does not wait for undici: a request that has no connection yet hears of an abort only when it gets one. */
    function fail(error: unknown): void {
      if (ended) return
      end()
      reject(error)
      controller?.abort(error instanceof Error ? error : new Error(String(error)))
    }

    if (signal?.aborted) return fail(signal.reason)
    signal?.addEventListener('abort', onAbort)
    try {
      dispatcher.dispatch(options, {
        onRequestStart(started) {
          controller = started
          if (ended) started.abort(new Error('given up before it was sent'))
        },
        onResponseStart(_controller, statusCode, received) {
          status = statusCode
          headers = received
        },
        onResponseData(_controller, chunk) {
          if (body === 'text' || status >= 300) chunks.push(chunk)
        },
        onResponseEnd() {
          if (ended) return
          end()
          const [first] = chunks
          resolve({ status, headers, text: chunks.length === 1 && first ? first.toString('utf8') : Buffer.concat(chunks).toString('utf8') })
          chunks = []
        },
        onResponseError: (_controller, error) => fail(error),
      })
    } catch (error) {
      fail(error)
    }
  })
}
