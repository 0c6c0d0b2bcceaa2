// Reports that are owed or could not be delivered, with the button that sends them again.
import type { DeliveryItem } from '../../model/delivery.ts'
import { ageOf, stateBadge } from '../assets/format.js'
import { type Html, html } from '../assets/html.js'
import type { Page, Viewer } from './layout.ts'
import { replayButton } from './task.ts'

export function deliveriesPage(options: {
  items: readonly DeliveryItem[]
  nextCursor: string | null
  viewer: Viewer
  nowMs: number
}): Page {
  const { items, viewer, nowMs } = options
  return {
    title: 'Deliveries',
    script: 'deliveries',
    nav: 'deliveries',
    body: html`<div class="head"><h1>Deliveries</h1><p class="faint">Reports that are owed, and those that could not be delivered</p></div>
<div class="card list" data-part="deliveries">${
      items.length === 0
        ? html`<p class="empty">Every report has been delivered.</p>`
        : html`<table class="tasks deliveries" role="table" aria-label="Deliveries"><thead role="rowgroup"><tr role="row">${[
            'Report',
            'Task',
            'Attempts',
            'Next',
            'Last error',
            '',
          ].map(
            (name) => html`<th role="columnheader" scope="col">${name || html`<span class="hidden">Action</span>`}</th>`,
          )}</tr></thead><tbody role="rowgroup">${items.map((item) => row(item, viewer, nowMs))}</tbody></table>`
    }${options.nextCursor ? html`<p class="pager"><a class="button" href="/ui/deliveries?cursor=${encodeURIComponent(options.nextCursor)}">Older</a></p>` : ''}</div>`,
  }
}

function row(item: DeliveryItem, viewer: Viewer, nowMs: number): Html {
  return html`<tr role="row"><td role="cell" class="cell-state"><span class="report report-${item.state}">${item.state}</span></td><td role="cell" class="cell-task"><a href="/ui/tasks/${encodeURIComponent(item.id)}">${item.task_id}</a><span class="sub">${stateBadge(item.task_state)}</span></td><td role="cell" class="number">${item.attempts}<span class="unit"> attempts</span></td><td role="cell" class="number">${item.next_at ? inTime(item.next_at, nowMs) : item.closed_at ? html`${ageOf(item.closed_at, nowMs)} ago` : '–'}</td><td role="cell" class="cell-reason"><span class="error-text">${item.last_error}</span></td><td role="cell" class="cell-action">${replayButton(item, viewer)}</td></tr>`
}

function inTime(iso: string, nowMs: number): Html {
  const seconds = Math.max(0, Math.round((Date.parse(iso) - nowMs) / 1000))
  return html`<time datetime="${iso}">${seconds < 90 ? `in ${seconds} s` : `in ${Math.round(seconds / 60)} m`}</time>`
}
