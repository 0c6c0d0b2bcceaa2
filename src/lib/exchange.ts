// One request whose whole answer is wanted, on undici's dispatch interface: no stream object and no abort signal a request, which together cost
// more CPU than the rest of a small request. Not for watches and logs, whose bodies are streams.
import type { Dispatcher } from 'undici'
import { PROTOBUF_TYPE } from './kube-status.ts'

export interface Exchange {
  dispatcher: Dispatcher
  options: Dispatcher.DispatchOptions
  /** For the whole of it, waiting for a connection and the last byte of the body included. */
  timeoutMs: number
  signal?: AbortSignal | undefined
  /** Whether a 2xx answer's body is of interest; an error's always is. `none`: no body is, so that a status counts although its body is not all there in time. */
  body: 'text' | 'ignored' | 'none'
  /** Of a longer body the rest is not read, and the connection is given up. */
  limitBytes?: number
}

export interface Answer {
  status: number
  /** Names in lower case. */
  headers: Record<string, string | string[] | undefined>
  /** '' when it was ignored; of protobuf each byte a character. */
  text: string
}

/** @throws TimeoutError (DOMException) at the deadline; the signal's reason; undici's error when there is no whole answer */
export function exchange({ dispatcher, options, timeoutMs, signal, body, limitBytes }: Exchange): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | null = null
    let ended = false
    let status = 0
    let headers: Answer['headers'] = {}
    let chunks: Buffer[] = []
    let read = 0
    const timer = setTimeout(() => {
      if (body === 'none' && status !== 0) return enough()
      fail(new DOMException(`the request took longer than ${timeoutMs} ms`, 'TimeoutError'))
    }, timeoutMs)
    const onAbort = (): void => fail(signal?.reason)

    function end(): void {
      ended = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', onAbort)
    }

    function answered(): void {
      end()
      const [first] = chunks
      const encoding = headers['content-type'] === PROTOBUF_TYPE ? 'latin1' : 'utf8'
      resolve({ status, headers, text: chunks.length === 1 && first ? first.toString(encoding) : Buffer.concat(chunks).toString(encoding) })
      chunks = []
    }

    function enough(): void {
      answered()
      controller?.abort(new Error('the rest is not read'))
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
          if (body === 'text' || (body === 'ignored' && status >= 300)) chunks.push(chunk)
          read += chunk.length
          if (limitBytes !== undefined && read > limitBytes && !ended) enough()
        },
        onResponseEnd() {
          if (!ended) answered()
        },
        onResponseError: (_controller, error) => fail(error),
      })
    } catch (error) {
      fail(error)
    }
  })
}
