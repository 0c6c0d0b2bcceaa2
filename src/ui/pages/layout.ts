// What every page has: head, navigation, a place for announcements. No script and no style in the markup: the policy forbids both.
import { type Html, html } from '../assets/html.js'

/** Who looks at the page, and what they may do. */
export interface Viewer {
  /** The token's name; null: nobody had to log in (--insecure). */
  name: string | null
  may: { logs: boolean; cancel: boolean; replay: boolean }
}

export interface Frame {
  workerId: string
  version: string
  assetsHash: string
  viewer: Viewer | null
}

export interface Page {
  title: string
  /** Which script brings it to life: assets/page-<name>.js. */
  script: 'tasks' | 'task' | 'overview' | 'deliveries' | null
  nav: 'overview' | 'tasks' | 'deliveries' | null
  body: Html
}

const NAVIGATION = [
  ['overview', '/ui', 'Overview'],
  ['tasks', '/ui/tasks', 'Tasks'],
  ['deliveries', '/ui/deliveries', 'Deliveries'],
] as const

export function renderPage(frame: Frame, page: Page): string {
  const { viewer } = frame
  const asset = (name: string): string => `/ui/assets/${frame.assetsHash}/${name}`
  const may = viewer ? Object.entries(viewer.may).flatMap(([name, allowed]) => (allowed ? [name] : [])) : []
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${page.title} · jobhook</title>
<link rel="icon" type="image/svg+xml" href="${asset('icon.svg')}">
<link rel="stylesheet" href="${asset('app.css')}">
${page.script ? html`<script type="module" src="${asset(`page-${page.script}.js`)}"></script>` : ''}
</head>
<body data-may="${may.join(' ')}">
<a class="skip" href="#main">Skip to content</a>
<header class="top"><div class="top-inner">
<a class="brand" href="/ui"><img src="${asset('icon.svg')}" alt="" width="24" height="24"><span>jobhook</span></a>
<span class="worker" title="worker_id">${frame.workerId}</span>
${viewer ? navigation(page.nav) : ''}
<span class="live" data-live hidden><span class="live-dot"></span><span data-live-text>live</span></span>
${
  viewer?.name
    ? html`<form class="logout" method="post" action="/ui/logout"><span class="who">${viewer.name}</span><button class="quiet" type="submit">Log out</button></form>`
    : ''
}
</div></header>
<main id="main" tabindex="-1">
${page.body}
</main>
<div class="toast" role="status" aria-live="polite" data-toast></div>
<footer class="foot">${frame.workerId} · jobhook ${frame.version} · times are UTC</footer>
</body>
</html>
`.toString()
}

function navigation(current: Page['nav']): Html {
  return html`<nav aria-label="Main"><ul>${NAVIGATION.map(
    ([name, path, text]) => html`<li><a href="${path}"${name === current ? html` aria-current="page"` : ''}>${text}</a></li>`,
  )}</ul></nav>`
}
