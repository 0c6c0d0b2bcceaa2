// GET /docs/problems: what each problem `code` means; where the `type` of every problem leads.
import { Type } from '@sinclair/typebox'
import type { App } from '../src/lib/http.ts'
import { PROBLEMS } from '../src/model/problem.ts'

export function problemsRoutes() {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title, remedy, example }]) =>
      `<dt id="${code}"><code>${code}</code> (${status})</dt><dd><p>${html(title)}.</p><p>${html(remedy)}</p><p>For example: <q>${html(example)}</q></p></dd>`,
  )
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>jobhook: problems</title><h1>Problems</h1>
<p>Every error is <code>application/problem+json</code>. <code>code</code> is stable; <code>detail</code> says what is wrong with this request and what to do.
429 and 503 carry <code>Retry-After</code>, and a retry is safe.</p><dl>${rows.join('\n')}</dl></html>\n`
  return async (app: App): Promise<void> => {
    app.get(
      '/docs/problems',
      {
        schema: {
          operationId: 'problems',
          tags: ['operation'],
          summary: 'What each problem code means',
          response: { 200: { description: 'A page.', content: { 'text/html': { schema: Type.String() } } } },
        },
      },
      async (_request, reply) =>
        reply
          .type('text/html; charset=utf-8')
          .header('content-security-policy', "default-src 'none'")
          .serializer(String)
          .send(page as never),
    )
  }
}

function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replace(/`([^`]*)`/g, '<code>$1</code>')
}
