// The way in, and what is said to who may not.
import { html } from '../assets/html.js'
import type { Page } from './layout.ts'

export function loginPage(options: { next: string; problem: string | null }): Page {
  return {
    title: 'Log in',
    script: null,
    nav: null,
    body: html`<section class="card login">
<h1>Log in</h1>
<p class="faint">With a REST token of this service (<code>api.tokens</code>) that has the scope <code>read</code>. What else it allows, logs, cancelling and replaying, it allows here too.</p>
${options.problem ? html`<p class="problem" role="alert">${options.problem}</p>` : ''}
<form method="post" action="/ui/login">
<input type="hidden" name="next" value="${options.next}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus spellcheck="false">
<button class="primary" type="submit">Log in</button>
</form>
</section>`,
  }
}

export function problemPage(title: string, detail: string): Page {
  return {
    title,
    script: null,
    nav: null,
    body: html`<section class="card login"><h1>${title}</h1><p>${detail}</p><p><a href="/ui/tasks">All tasks</a></p></section>`,
  }
}

/** For who follows a link from another site: the cookie is not sent with that first request, but it is with the next. */
export const ONCE_MORE = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>jobhook</title><meta http-equiv="refresh" content="0"></head><body></body></html>\n`
