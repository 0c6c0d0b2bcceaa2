// Our own bearer token for a control plane: given, from the environment, or from a file that is read anew each time, so that a rotated token
// needs no restart. Its value is never told.
import { readFile } from 'node:fs/promises'
import { describeError } from '../lib/log.ts'

export type TokenSource = string | { file: string } | { env: string }

export type ReadToken = () => Promise<{ ok: true; token: string } | { ok: false; detail: string }>

export function createTokenReader(source: TokenSource, env: Readonly<Record<string, string | undefined>>): ReadToken {
  return async () => {
    if (typeof source === 'string') return checked(source, 'the token')
    if ('env' in source) return checked(env[source.env] ?? '', `the environment variable ${source.env}`)
    try {
      return checked(await readFile(source.file, 'utf8'), `the token file ${source.file}`)
    } catch (error) {
      return { ok: false, detail: `the token file cannot be read: ${describeError(error)}` }
    }
  }
}

function checked(text: string, what: string): { ok: true; token: string } | { ok: false; detail: string } {
  const token = text.trim()
  if (token === '') return { ok: false, detail: `${what} is empty or not set` }
  // What a header cannot carry would make the request throw, with the token in the message.
  return /^[\x21-\x7e]+$/.test(token) ? { ok: true, token } : { ok: false, detail: `${what} has characters that a header cannot carry` }
}
