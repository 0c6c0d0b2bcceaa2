// How the service fares, at one look: what runs, what waits, how fast it goes, what is wrong.
import { age, duration, STATES, stateBadge } from '../assets/format.js'
import { type Html, html } from '../assets/html.js'
import { MINUTES, type Statistics } from '../statistics.ts'
import type { Page } from './layout.ts'

export interface HealthLine {
  name: string
  ok: boolean
  required: boolean
  detail: string
}

export interface Capacity {
  placed: number
  queued: number
  /** 0: no limit. */
  limit: number
  overflow: string
}

export function overviewPage(options: { statistics: Statistics; capacity: Capacity; health: readonly HealthLine[]; nowMs: number }): Page {
  return {
    title: 'Overview',
    script: 'overview',
    nav: 'overview',
    body: html`<div class="head"><h1>Overview</h1></div><div data-part="overview">${overview(options)}</div>`,
  }
}

function overview({ statistics, capacity, health, nowMs }: Parameters<typeof overviewPage>[0]): Html {
  const { byState, finished } = statistics
  const inHour = (kind: 'completed' | 'failed' | 'cancelled'): number => finished.reduce((sum, minute) => sum + minute[kind], 0)
  const failed = inHour('failed')
  return html`<ul class="tiles" aria-label="Tasks by state">${STATES.map(
    (state) =>
      html`<li><a class="tile${(byState[state] ?? 0) === 0 ? ' zero' : ''}" href="/ui/tasks?state=${state}"><span class="tile-number number">${(byState[state] ?? 0).toLocaleString('en')}</span>${stateBadge(state)}</a></li>`,
  )}</ul>
<div class="columns three">
<section class="card" aria-labelledby="throughput-head"><h2 id="throughput-head">Finished a minute</h2>
<p class="figure"><span class="number">${(inHour('completed') + failed + inHour('cancelled')).toLocaleString('en')}</span> <span class="faint">in the last hour${failed > 0 ? html`, <span class="failed-text">${failed.toLocaleString('en')} failed</span>` : ''}</span></p>
${bars(finished)}</section>
<section class="card" aria-labelledby="start-head"><h2 id="start-head">Until it starts</h2>${latency(statistics.start)}${latencyBars(statistics.startSeconds, 'From accepted to started, median of each minute')}</section>
<section class="card" aria-labelledby="report-head"><h2 id="report-head">Until it is reported</h2>${latency(statistics.report)}${latencyBars(statistics.reportSeconds, 'From finished to reported, median of each minute')}</section>
</div>
<div class="columns">
<section class="card" aria-labelledby="capacity-head"><h2 id="capacity-head">Capacity</h2>${capacityPart(capacity, statistics, nowMs)}</section>
<section class="card" aria-labelledby="health-head"><h2 id="health-head">Health of this replica</h2><ul class="health">${health
    .filter(({ name, ok }) => name !== 'draining' || !ok)
    .map(
      ({ name, ok, required, detail }) =>
        html`<li class="${ok ? 'good' : required ? 'bad' : 'poor'}"><span class="health-mark">${ok ? 'ok' : required ? 'fails' : 'look'}</span><span class="health-name">${name}</span><span class="health-detail">${detail}</span></li>`,
    )}</ul></section>
</div>`
}

function latency({ median, p95 }: { median: number | null; p95: number | null }): Html {
  if (median === null || p95 === null) return html`<p class="figure"><span class="faint">nothing in the last hour</span></p>`
  return html`<p class="figure"><span class="number">${seconds(median)}</span> <span class="faint">median, <span class="number">${seconds(p95)}</span> at 95 %</span></p>`
}

function seconds(value: number): string {
  return value === 0 ? '< 1 s' : duration(value * 1000)
}

function capacityPart(capacity: Capacity, statistics: Statistics, nowMs: number): Html {
  const { placed, queued, limit, overflow } = capacity
  const oldest = statistics.oldestWaiting
  const full = limit === 0 ? 0 : Math.min(100, (placed / limit) * 100)
  return html`${
    limit === 0
      ? html`<p class="figure"><span class="number">${placed.toLocaleString('en')}</span> <span class="faint">tasks under way, no limit</span></p>`
      : html`<p class="figure"><span class="number">${placed.toLocaleString('en')}</span> <span class="faint">of ${limit.toLocaleString('en')} places taken, then ${overflow}</span></p><svg class="meter" height="10" role="img" aria-label="${Math.round(full)} % of the places are taken"><rect class="meter-back" width="100%" height="10" rx="5"/><rect class="meter-full${full >= 100 ? ' at-limit' : ''}" width="${full}%" height="10" rx="5"/></svg>`
  }
<dl class="rows"><div><dt>Waiting in the queue</dt><dd class="number">${queued.toLocaleString('en')}</dd></div>
<div><dt>Waiting longest</dt><dd>${oldest ? html`<a href="/ui/tasks/${encodeURIComponent(oldest.id)}">${oldest.name}</a> <span class="faint number">${age(nowMs - oldest.sinceMs)}</span>` : html`<span class="faint">nobody waits</span>`}</dd></div>
<div><dt>Reports owed</dt><dd class="number">${statistics.owed.toLocaleString('en')}</dd></div>
<div><dt>Dead letters</dt><dd class="number">${statistics.dead > 0 ? html`<a class="failed-text" href="/ui/deliveries">${statistics.dead.toLocaleString('en')}</a>` : '0'}</dd></div>
${statistics.reasons.length > 0 ? html`<div><dt>Failures of the hour</dt><dd class="labels">${statistics.reasons.slice(0, 6).map(({ reason, count }) => html`<span class="label">${reason} <span class="number">${count}</span></span>`)}</dd></div>` : ''}</dl>`
}

const HEIGHT = 56

function bars(finished: Statistics['finished']): Html {
  const most = Math.max(1, ...finished.map(({ completed, failed, cancelled }) => completed + failed + cancelled))
  const step = 100 / MINUTES
  return html`<svg class="spark" height="${HEIGHT}" role="img" aria-label="Tasks finished in each of the last 60 minutes, at most ${most}">${finished.map(
    (minute, index) => {
      let y = HEIGHT
      return (['completed', 'cancelled', 'failed'] as const).map((kind) => {
        const height = (minute[kind] / most) * (HEIGHT - 2)
        y -= height
        return height > 0
          ? html`<rect class="bar-${kind}" x="${(index * step).toFixed(3)}%" width="${(step * 0.74).toFixed(3)}%" y="${y.toFixed(1)}" height="${height.toFixed(1)}"/>`
          : ''
      })
    },
  )}<line class="base" x1="0" x2="100%" y1="${HEIGHT - 0.5}" y2="${HEIGHT - 0.5}"/></svg>${scale(`${most} a minute at most`)}`
}

/** Bars, not a line: through minutes in which nothing happened it would be a lie. */
function latencyBars(values: Statistics['startSeconds'], label: string): Html {
  const most = Math.max(0, ...values.map((value) => value ?? 0)) || 1
  const step = 100 / MINUTES
  return html`<svg class="spark" height="${HEIGHT}" role="img" aria-label="${label}, at most ${seconds(most)}">${values.map(
    (value, index) => {
      if (value === null) return ''
      const height = Math.max(2, (value / most) * (HEIGHT - 2))
      return html`<rect class="bar-latency" x="${(index * step).toFixed(3)}%" width="${(step * 0.74).toFixed(3)}%" y="${(HEIGHT - height).toFixed(1)}" height="${height.toFixed(1)}"/>`
    },
  )}<line class="base" x1="0" x2="100%" y1="${HEIGHT - 0.5}" y2="${HEIGHT - 0.5}"/></svg>${scale(`${seconds(most)} at most`)}`
}

function scale(most: string): Html {
  return html`<p class="scale faint"><span>60 min ago</span><span>${most}</span><span>now</span></p>`
}
