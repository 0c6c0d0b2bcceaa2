// Talks to a running jobhook by REST, for submit, tasks, logs and cancel: where it is, with which token, and every failure as a sentence with its
// remedy. Not for: what the commands print.
import { readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { Agent, request } from 'undici'
import { parse } from 'yaml'
import { describeError, errorCode } from '../lib/log.ts'
import type { Arguments, OptionSpec } from './options.ts'
import { printable } from './text.ts'

export interface Target {
  url: string
  token: string | null
}

/** `status` 0: no answer came. */
export interface CallFailure {
  status: number
  code: string
  /** What went wrong and what to do, one or more lines, ready to be printed. */
  text: string
  retryAfterSeconds: number | null
}

export type Called<T> = { ok: true; value: T; headers: Record<string, string | string[] | undefined> } | { ok: false; failure: CallFailure }

export interface Client {
  call<T>(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    more?: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Called<T>>
  /** The answer's body as it comes; the caller reads or destroys it. */
  stream(path: string, signal: AbortSignal): Promise<Called<Readable>>
  close(): Promise<void>
}

export const DEFAULT_URL = 'http://127.0.0.1:8080'
const CALL_TIMEOUT_MS = 30_000

export const TARGET_OPTIONS: Record<string, OptionSpec> = {
  url: { value: 'URL', description: `Where jobhook is. Or JOBHOOK_URL, or the client file. Default ${DEFAULT_URL}` },
  token: { value: 'TOKEN', description: 'A token of its api.tokens. Better JOBHOOK_TOKEN: a command line shows in the process list.' },
}
export const TARGET_NOTE =
  'The client file, ~/.config/jobhook/config.yaml, may hold url: and token: (then its mode must be 600), or token: {file: …}. An option goes before the environment, that before the file.'

/** Throws nothing: what is wrong comes as a sentence. */
export function readTarget(args: Arguments, env: NodeJS.ProcessEnv): { ok: true; target: Target } | { ok: false; problem: string } {
  const file = readClientFile(join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'jobhook', 'config.yaml'))
  if ('problem' in file) return { ok: false, problem: file.problem }
  const url = (args.text('url') ?? (env.JOBHOOK_URL || file.url || DEFAULT_URL)).replace(/\/+$/, '')
  if (!/^https?:$/.test(URL.canParse(url) ? new URL(url).protocol : ''))
    return { ok: false, problem: `${JSON.stringify(url)} is no URL that begins with http:// or https://: see --url and JOBHOOK_URL` }
  const token = args.text('token') ?? (env.JOBHOOK_TOKEN || file.token)
  if (token !== null && !/^[\x21-\x7e]+$/.test(token))
    return { ok: false, problem: 'the token has white space or characters no header can carry' }
  return { ok: true, target: { url, token } }
}

function readClientFile(path: string): { url: string | null; token: string | null } | { problem: string } {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    return errorCode(error) === 'ENOENT' ? { url: null, token: null } : { problem: `${path} cannot be read: ${describeError(error)}` }
  }
  try {
    const content: unknown = parse(text) ?? {}
    if (typeof content !== 'object' || content === null || Array.isArray(content)) return { problem: `${path} must hold url: and token:` }
    const { url = null, token = null, ...others } = content as Record<string, unknown>
    const [unknown] = Object.keys(others)
    if (unknown !== undefined) return { problem: `${path}: ${unknown} is not known; it may hold url and token` }
    if (typeof token === 'string' && openToOthers(path))
      return { problem: `${path} holds a token and other users of this machine can read it: chmod 600 ${path}` }
    if (url !== null && typeof url !== 'string') return { problem: `${path}: url must be a string` }
    const value = isFileReference(token) ? readFileSync(token.file, 'utf8').trim() : token
    if (value !== null && typeof value !== 'string') return { problem: `${path}: token must be a string or {file: …}` }
    return { url, token: value }
  } catch (error) {
    // A YAML error's text quotes the line it is in, which may hold the token.
    return { problem: `${path} cannot be used: ${errorCode(error) === 'ENOENT' ? describeError(error) : 'it is not YAML'}` }
  }
}

/** Windows has no such modes: there the folder's own rights decide. */
function openToOthers(path: string): boolean {
  return process.platform !== 'win32' && (statSync(path).mode & 0o077) !== 0
}

function isFileReference(value: unknown): value is { file: string } {
  return typeof value === 'object' && value !== null && 'file' in value && typeof value.file === 'string'
}

export function createClient(target: Target): Client {
  const agent = new Agent({ connect: { timeout: 5_000 }, headersTimeout: 0, bodyTimeout: 0, allowH2: false })
  const authorization: Record<string, string> = target.token === null ? {} : { authorization: `Bearer ${target.token}` }

  return {
    async call<T>(method: string, path: string, more: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal } = {}) {
      const deadline = AbortSignal.timeout(CALL_TIMEOUT_MS)
      try {
        const response = await request(`${target.url}${path}`, {
          method,
          dispatcher: agent,
          headers: {
            accept: 'application/json',
            ...authorization,
            ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
            ...more.headers,
          },
          ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
          signal: more.signal ? AbortSignal.any([deadline, more.signal]) : deadline,
        })
        const text = await response.body.text()
        if (response.statusCode >= 200 && response.statusCode < 300) {
          const value = jsonOf(text)
          if (value !== undefined) return { ok: true, value: value as T, headers: response.headers }
        }
        return { ok: false, failure: failureOf(target, response.statusCode, text, response.headers['retry-after']) }
      } catch (error) {
        if (more.signal?.aborted) throw error
        return { ok: false, failure: unreachable(target, error) }
      }
    },
    async stream(path, signal) {
      try {
        const response = await request(`${target.url}${path}`, {
          dispatcher: agent,
          headers: { accept: 'text/plain', ...authorization },
          signal,
        })
        if (response.statusCode === 200) return { ok: true, value: response.body, headers: response.headers }
        return { ok: false, failure: failureOf(target, response.statusCode, await response.body.text(), response.headers['retry-after']) }
      } catch (error) {
        if (signal.aborted) throw error
        return { ok: false, failure: unreachable(target, error) }
      }
    },
    close: () => agent.destroy(),
  }
}

function unreachable(target: Target, error: unknown): CallFailure {
  const code = errorCode(error) ?? 'ConnectionError'
  const text =
    code === 'ECONNREFUSED'
      ? `nothing listens at ${target.url}.\n  Start it there: jobhook serve --config FILE. It runs in a cluster: kubectl -n NAMESPACE port-forward service/jobhook 8080:80\n  It is elsewhere: --url URL or JOBHOOK_URL.`
      : code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? `the host of ${target.url} is not known. Check --url or JOBHOOK_URL.`
        : `no answer from ${target.url}: ${describeError(error)}`
  return { status: 0, code, text, retryAfterSeconds: null }
}

function failureOf(target: Target, status: number, body: string, retryAfter: string | string[] | undefined): CallFailure {
  const seconds = Number(retryAfter)
  const retryAfterSeconds = Number.isFinite(seconds) && retryAfter !== undefined ? seconds : null
  const parsed = jsonOf(body)
  if (typeof parsed !== 'object' || parsed === null || !('code' in parsed) || typeof parsed.code !== 'string') {
    return {
      status,
      code: `http_${status}`,
      text: `${target.url} answered ${status}, and not as jobhook does: is it the right URL?`,
      retryAfterSeconds,
    }
  }
  const { code, detail = '', errors = [] } = parsed as { code: string; detail?: string; errors?: { pointer: string; detail: string }[] }
  const lines = remedies(target, code, status, detail, errors)
  if (retryAfterSeconds !== null) lines.push(`Try again in ${retryAfterSeconds} s.`)
  return { status, code, text: lines.map(printable).join('\n  '), retryAfterSeconds }
}

function remedies(
  target: Target,
  code: string,
  status: number,
  detail: string,
  errors: readonly { pointer: string; detail: string }[],
): string[] {
  if (code === 'unauthenticated')
    return [
      target.token === null
        ? 'a token is needed, one of the service’s setting api.tokens: set JOBHOOK_TOKEN, or token: in ~/.config/jobhook/config.yaml.'
        : `${target.url} does not know this token: its setting api.tokens must list exactly what JOBHOOK_TOKEN (or --token, or the client file) says.`,
    ]
  // The service names the token and the scope it lacks.
  if (code === 'forbidden') return [`${detail} (a setting of the service), or use another token: JOBHOOK_TOKEN.`]
  if (errors.length > 0) return errors.map((each) => `${each.pointer || 'the body'} ${each.detail}`)
  return [`${detail || code} (${status})`]
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Path of a task: its id or its task_id, whatever characters that has. */
export function taskPath(id: string): string {
  return `/v1/tasks/${encodeURIComponent(id)}`
}

/** What stands on standard error when a call failed; gives the exit code. */
export function complain(command: string, failure: CallFailure): number {
  process.stderr.write(`jobhook ${command}: ${failure.text}\n`)
  return 1
}
