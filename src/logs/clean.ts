// Takes a task's secret values out of what its verdict says in the task's or Kubernetes' words: message, output, detail. Pure.
import type { Verdict } from '../model/verdict.ts'
import { redact } from './redact.ts'

/**
 * Whether the verdict can hold anything but our own words. A completed task without output cannot: it costs no look at its Secret. A cancelled
 * one says who cancelled it and how it ended, and no more.
 */
export function mayQuote({ kind, output }: Verdict): boolean {
  return output !== null || kind === 'failed'
}

/** The log's tail and its note are left: report.ts has cleaned them, with care for where the text was cut. */
export function cleanVerdict(verdict: Verdict, forms: readonly string[]): Verdict {
  if (forms.length === 0) return verdict
  const { log_tail, log_note, ...detail } = verdict.detail
  return {
    ...verdict,
    message: cleanText(verdict.message, forms),
    output: verdict.output === null ? null : (cleanValue(verdict.output, forms) as Record<string, unknown>),
    detail: {
      ...(cleanValue(detail, forms) as Verdict['detail']),
      ...(log_tail === undefined ? {} : { log_tail }),
      ...(log_note === undefined ? {} : { log_note }),
    },
  }
}

function cleanText(text: string, forms: readonly string[]): string {
  return redact(text, forms, { cutFront: false, cutBack: false }).text
}

/** Names of members too, and numbers by their digits: a task that writes its token as a number has written it. */
function cleanValue(value: unknown, forms: readonly string[]): unknown {
  if (typeof value === 'string') return cleanText(value, forms)
  if (typeof value === 'number') {
    const clean = cleanText(String(value), forms)
    return clean === String(value) ? value : clean
  }
  if (Array.isArray(value)) return value.map((item) => cleanValue(item, forms))
  if (typeof value !== 'object' || value === null) return value
  // fromEntries defines members, so that one named __proto__ stays a member.
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [cleanText(name, forms), cleanValue(member, forms)]))
}
