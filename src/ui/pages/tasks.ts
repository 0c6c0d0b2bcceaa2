// The list of tasks: the first page painted here, filters and paging that work without a script; with one the list is whole, live and virtual.
import type { TaskRecord } from '../../model/task.ts'
import { STATES } from '../assets/format.js'
import { type Html, html } from '../assets/html.js'
import { COLUMNS, taskCells } from '../assets/row.js'
import type { Page } from './layout.ts'

export interface TasksQuery {
  states: readonly string[]
  label: string
  search: string
}

export function tasksPage(options: {
  query: TasksQuery
  tasks: readonly TaskRecord[]
  nextCursor: string | null
  isFirst: boolean
  problem: string | null
  nowMs: number
}): Page {
  const { query, tasks, nowMs } = options
  return {
    title: 'Tasks',
    script: 'tasks',
    nav: 'tasks',
    body: html`<div class="head"><h1>Tasks</h1><p class="count faint" data-count></p></div>
<form class="filters" method="get" action="/ui/tasks" role="search" aria-label="Filter tasks" data-filters>
<div class="field grow"><label for="search">Search</label><input id="search" name="search" type="search" value="${query.search}" placeholder="Title, id, reason, node, label" autocomplete="off"></div>
<div class="field"><label for="label">Label selector</label><input id="label" name="label" value="${query.label}" placeholder="team=web" autocomplete="off" spellcheck="false"></div>
<fieldset class="chips"><legend>State</legend>${STATES.map(
      (state) =>
        html`<label class="chip"><input type="checkbox" name="state" value="${state}"${query.states.includes(state) ? html` checked` : ''}><span>${state}<span class="chip-count" data-count-of="${state}"></span></span></label>`,
    )}</fieldset>
<button class="apply" type="submit">Apply</button>
</form>
${options.problem ? html`<p class="problem" role="alert">${options.problem}</p>` : ''}
<p class="problem" role="alert" data-problem hidden></p>
<div class="card list">
<table class="tasks" role="table" aria-label="Tasks, newest first" data-tasks>
<thead role="rowgroup"><tr role="row">${COLUMNS.map((name) => html`<th role="columnheader" scope="col" class="head-${name.toLowerCase()}">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${tasks.map((task) => html`<tr role="row">${taskCells(task, nowMs)}</tr>`)}</tbody>
</table>
<p class="empty" data-empty${tasks.length > 0 ? html` hidden` : ''}>No such tasks.</p>
</div>
<p class="hint faint" data-hint hidden><kbd>/</kbd> search · <kbd>↑</kbd> <kbd>↓</kbd> or <kbd>k</kbd> <kbd>j</kbd> move · <kbd>Enter</kbd> open</p>
<nav class="pager" aria-label="Pages" data-pager>${options.isFirst ? '' : link(query, null, 'Newest')}${options.nextCursor ? link(query, options.nextCursor, 'Older') : ''}</nav>`,
  }
}

function link(query: TasksQuery, cursor: string | null, text: string): Html {
  const parameters = new URLSearchParams()
  if (query.search) parameters.set('search', query.search)
  if (query.label) parameters.set('label', query.label)
  for (const state of query.states) parameters.append('state', state)
  if (cursor !== null) parameters.set('cursor', cursor)
  return html`<a class="button" href="/ui/tasks?${parameters.toString()}">${text}</a>`
}
