// How times, durations and states are said. Shared by the service and the browser, so that both say the same.
import { html } from './html.js'

/** @typedef {import('../../model/task.ts').TaskState} TaskState */

/** @type {readonly TaskState[]} */
export const STATES = ['queued', 'pending', 'running', 'stopping', 'completed', 'failed', 'cancelled']

/** Its workload has ended. @param {string} state */
export const isEnded = (state) => state === 'completed' || state === 'failed' || state === 'cancelled'

/**
 * Two units at most: 4 s, 1 m 05 s, 3 h 20 m, 2 d 4 h.
 * @param {number} ms
 */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (ms > 0 && ms < 1000) return `${Math.round(ms)} ms`
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} m ${String(seconds % 60).padStart(2, '0')} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return `${hours} h ${String(minutes % 60).padStart(2, '0')} m`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/**
 * One unit, for columns: 4 s, 12 m, 3 h, 2 d.
 * @param {number} ms
 */
export function age(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m`
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

/**
 * UTC, to the second, as logs have it.
 * @param {string} iso
 */
export const clock = (iso) => iso.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')

/**
 * How long ago; the browser keeps it true.
 * @param {string | null} iso
 * @param {number} nowMs
 */
export function ageOf(iso, nowMs) {
  if (iso === null) return html`<span class="faint">–</span>`
  return html`<time datetime="${iso}" title="${clock(iso)}" data-age>${age(nowMs - Date.parse(iso))}</time>`
}

/** @param {string} state */
export const stateBadge = (state) => html`<span class="state state-${state}">${state}</span>`

/** What passes by second: 51.9 s are not yet 52. @param {number} ms */
export const soFar = (ms) => duration(Math.floor(ms / 1000) * 1000)

/**
 * How long its container ran, or runs; the browser keeps it true.
 * @param {import('../../model/task.ts').TaskRecord} task
 * @param {number} nowMs
 */
export function ranFor({ state, times }, nowMs) {
  if (times.started === null) return html`<span class="faint">–</span>`
  if (times.finished !== null) return duration(Date.parse(times.finished) - Date.parse(times.started))
  if (isEnded(state)) return html`<span class="faint">–</span>`
  return html`<time datetime="${times.started}" data-since>${soFar(nowMs - Date.parse(times.started))}</time>`
}
