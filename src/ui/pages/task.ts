// One task: what became of it, its life to scale, its Pod, its log, its report. Parts marked data-part are painted anew as the task goes along.
import type { DeliveryItem } from '../../model/delivery.ts'
import type { ContainerState, PodView } from '../../model/kube.ts'
import type { TaskRecord } from '../../model/task.ts'
import { ageOf, clock, duration, isEnded, stateBadge } from '../assets/format.js'
import { type Html, html } from '../assets/html.js'
import { timeline } from '../assets/timeline.js'
import type { Page, Viewer } from './layout.ts'

export function taskPage(options: {
  task: TaskRecord
  pods: readonly PodView[]
  delivery: DeliveryItem | null
  viewer: Viewer
  nowMs: number
}): Page {
  const { task, viewer, nowMs } = options
  const path = `/ui/tasks/${encodeURIComponent(task.id)}`
  return {
    title: task.title ?? task.task_id,
    script: 'task',
    nav: 'tasks',
    body: html`<div class="task" data-task="${task.id}" data-task-json="${JSON.stringify(task)}">
<p class="crumbs"><a href="/ui/tasks">Tasks</a></p>
<div data-part="summary">${summary(task, viewer, nowMs)}</div>
<section class="card" aria-labelledby="timeline-head"><h2 id="timeline-head">Timeline</h2><div data-part="timeline">${timeline(task, nowMs)}</div></section>
<div class="columns">
<section class="card" aria-labelledby="details-head"><h2 id="details-head">Details</h2><div data-part="details">${details(task)}</div></section>
<section class="card" aria-labelledby="delivery-head"><h2 id="delivery-head">Report</h2><div data-part="delivery">${deliveryPart(task, options.delivery, viewer, nowMs)}</div></section>
</div>
<section class="card" aria-labelledby="pod-head"><h2 id="pod-head">Pod</h2><div data-part="pod">${podPart(task, options.pods, nowMs)}</div></section>
${viewer.may.logs ? logPart(task, options.pods) : ''}
<section class="card" aria-labelledby="manifest-head"><h2 id="manifest-head">Manifest</h2><details data-manifest><summary>The Job as it is in the cluster, secrets masked</summary><div data-manifest-body><p><a href="${path}/manifest">Open the manifest</a></p></div></details></section>
${viewer.may.cancel ? cancelDialog(task) : ''}
</div>`,
  }
}

function summary(task: TaskRecord, viewer: Viewer, nowMs: number): Html {
  const ended = isEnded(task.state)
  return html`<div class="head task-head"><div class="task-title"><h1>${task.title ?? task.task_id}</h1><p class="lead">${stateBadge(task.state)}${
    task.reason ? html`<code>${task.reason}</code>` : ''
  }${task.exit_code === null ? '' : html`<span>exit code <span class="number">${task.exit_code}</span></span>`}<span class="faint">accepted ${ageOf(task.times.accepted, nowMs)} ago</span></p></div>${
    viewer.may.cancel && !ended && task.state !== 'stopping'
      ? html`<button class="danger" type="button" data-cancel>Cancel task</button>`
      : ''
  }</div>${task.message ? html`<p class="message message-${task.state}">${task.message}</p>` : ''}`
}

function rows(entries: readonly (readonly [string, unknown])[]): Html {
  return html`<dl class="rows">${entries.map(([name, value]) =>
    value === null || value === '' ? '' : html`<div><dt>${name}</dt><dd>${value}</dd></div>`,
  )}</dl>`
}

const code = (text: string | null): Html | null => (text === null ? null : html`<code>${text}</code>`)

function details(task: TaskRecord): Html {
  const labels = Object.entries(task.labels)
  return rows([
    ['Task', code(task.task_id)],
    ['Execution', task.execution_id === task.task_id ? null : code(task.execution_id)],
    ['Job', code(task.job)],
    ['Worker', code(task.worker_id)],
    ['Node', code(task.node)],
    ['Priority', task.priority === 0 ? null : html`<span class="number">${task.priority}</span>`],
    ['Place in queue', task.queue_position === null ? null : html`<span class="number">${task.queue_position}</span>`],
    ['Can be retried', task.retryable === null ? null : task.retryable ? 'yes' : 'no'],
    [
      'Labels',
      labels.length === 0
        ? null
        : html`<span class="labels">${labels.map(([name, value]) => html`<span class="label">${name}=${value}</span>`)}</span>`,
    ],
  ])
}

function deliveryPart(task: TaskRecord, item: DeliveryItem | null, viewer: Viewer, nowMs: number): Html {
  if (!item)
    return html`<p class="faint">${isEnded(task.state) ? 'Nothing is owed: nobody is to be called.' : 'It is owed once the task has ended.'}</p>`
  return html`${rows([
    ['State', html`<span class="report report-${item.state}">${item.state}</span>`],
    ['Attempts', html`<span class="number">${item.attempts}</span>`],
    ['Next attempt', item.next_at ? html`<time datetime="${item.next_at}">${clock(item.next_at)}</time>` : null],
    ['Closed', item.closed_at ? html`${ageOf(item.closed_at, nowMs)} ago` : null],
    ['Last error', item.last_error ? html`<span class="error-text">${item.last_error}</span>` : null],
    ['Message id', code(item.webhook_id)],
  ])}${replayButton(item, viewer)}`
}

export function replayButton(item: DeliveryItem, viewer: Viewer): Html | string {
  if (!viewer.may.replay || item.state === 'delivered') return ''
  const text = item.state === 'owed' ? 'Try now' : 'Replay'
  return html`<p class="actions"><button type="button" data-replay="${item.id}" aria-label="${text}: ${item.task_id}">${text}</button></p>`
}

function podPart(task: TaskRecord, pods: readonly PodView[], nowMs: number): Html {
  if (pods.length === 0)
    return html`<p class="faint">${isEnded(task.state) ? 'It is gone, or there never was one.' : 'There is none yet.'}</p>`
  return html`${pods.map(
    (pod) => html`<div class="pod">${rows([
      ['Name', code(pod.name)],
      ['Phase', html`${pod.gone ? 'gone; last seen ' : ''}${pod.phase || 'unknown'}${pod.reason ? html` <code>${pod.reason}</code>` : ''}`],
      ['Node', code(pod.node)],
      ['Message', pod.message || null],
    ])}
<div class="scroll" tabindex="0" role="region" aria-label="Containers of ${pod.name}"><table class="plain"><thead><tr><th scope="col">Container</th><th scope="col">State</th><th scope="col">Took</th><th scope="col">Restarts</th><th scope="col">Image</th></tr></thead><tbody>${pod.containers.map(
      ({ name, role, state, restarts, image }) =>
        html`<tr><th scope="row"><code>${name}</code>${role === 'task' ? '' : html` <span class="faint">${role}</span>`}</th><td>${containerState(state)}</td><td class="number">${took(state, nowMs)}</td><td class="number">${restarts}</td><td><code>${image}</code></td></tr>`,
    )}</tbody></table></div></div>`,
  )}`
}

function containerState(state: ContainerState | null): Html | string {
  if (!state) return 'not created'
  if (state.kind === 'running') return 'running'
  if (state.kind === 'waiting') return html`waiting${state.reason ? html`: <code>${state.reason}</code>` : ''}`
  return html`exited <span class="number">${state.exitCode}</span>${state.reason ? html` <code>${state.reason}</code>` : ''}`
}

function took(state: ContainerState | null, nowMs: number): string {
  if (!state || state.kind === 'waiting' || state.startedMs === null) return '–'
  return duration((state.kind === 'running' ? nowMs : (state.finishedMs ?? state.startedMs)) - state.startedMs)
}

function logPart(task: TaskRecord, pods: readonly PodView[]): Html {
  const names = pods.at(-1)?.containers.map(({ name }) => name) ?? []
  const containers = names.includes('task') ? names : ['task', ...names]
  return html`<section class="card log-card" aria-labelledby="log-head"><div class="log-head"><h2 id="log-head">Log</h2><span class="faint" data-log-state></span>
<div class="log-tools" data-log-tools hidden><label class="inline">Container <select data-log-container>${containers.map((name) => html`<option${name === 'task' ? html` selected` : ''}>${name}</option>`)}</select></label><label class="inline"><input type="checkbox" data-log-follow checked> Follow</label><label class="inline"><input type="checkbox" data-log-wrap checked> Wrap</label></div>
<a class="raw" href="/v1/tasks/${encodeURIComponent(task.id)}/logs?tail=1000">Text</a></div>
<div class="log wrap" data-log tabindex="0" role="log" aria-live="off" aria-label="Log of the task"></div></section>`
}

function cancelDialog(task: TaskRecord): Html {
  return html`<dialog class="dialog" data-cancel-dialog aria-labelledby="cancel-head"><form method="dialog">
<h2 id="cancel-head">Cancel this task?</h2>
<p><strong>${task.title ?? task.task_id}</strong> is stopped with its grace period, and the control plane is told that it was cancelled. This cannot be undone.</p>
<div class="actions"><button value="keep" autofocus>Keep it running</button><button class="danger" value="cancel">Cancel task</button></div>
</form></dialog>`
}

export function manifestPage(task: TaskRecord, yaml: string): Page {
  return {
    title: `Manifest of ${task.title ?? task.task_id}`,
    script: null,
    nav: 'tasks',
    body: html`<p class="crumbs"><a href="/ui/tasks">Tasks</a> <span class="faint">/</span> <a href="/ui/tasks/${encodeURIComponent(task.id)}">${task.title ?? task.task_id}</a></p>
<div class="head"><h1>Manifest</h1><p class="faint">As it is in the cluster, secrets masked</p></div>
<section class="card"><div data-part="manifest"><pre class="manifest" tabindex="0" aria-label="Manifest of the Job">${yaml}</pre></div></section>`,
  }
}
