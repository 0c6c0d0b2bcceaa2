// `npm run screenshots`: takes the pictures in docs/screenshots anew, in real Chromium: every page at three widths, light and dark.
import { mkdirSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { launchChromium } from '../test/browser/chromium.ts'
import { type Stage, setStage } from '../test/browser/stage.ts'
import { TOKEN } from '../test/support/jobhook.ts'
import { until } from '../test/support/wait.ts'

type Scheme = 'light' | 'dark'

const ALL = process.argv.includes('--all')
const FOLDER = ALL ? mkdtempSync(join(tmpdir(), 'jobhook-screenshots-')) : join(import.meta.dirname, '../docs/screenshots')
const WIDTHS = [360, 768, 1280] as const
const HEIGHTS = { 360: 740, 768: 1000, 1280: 900 } as const
/** What is kept in docs/. With --all every page is taken into a temporary folder, to be looked at while one works on them. */
const KEPT = new Set(['overview-1280-light', 'tasks-1280-light', 'tasks-360-dark', 'task-1280-light', 'ended-768-dark', 'task-360-light'])

const LOG = `echo "cloning web@main"; echo "installing 812 packages"; echo; echo "> vitest run"; i=0; while [ $i -lt 400 ]; do i=$((i+1)); echo "ok $i - login form keeps what was typed ($((i % 37 + 3)) ms)"; sleep 0.25; done`

async function populate(stage: Stage): Promise<{ running: string; failed: string; ended: string }> {
  const team = (name: string) => ({ team: name, kind: 'agent' })
  stage.receiver.answer = (message) => (message.data.task_id === 'run-10481' ? 503 : 200)
  const dead = await stage.submit({
    taskId: 'run-10481',
    title: 'Upgrade the Postgres driver',
    script: 'echo "npm ERR! peer pg@9 is not satisfied"; exit 1',
    labels: team('platform'),
  })
  await until('a dead letter', async () => (await stage.jobhook.rest('GET', `/v1/tasks/${dead}`)).body.delivery.state === 'dead')
  await stage.submit({ taskId: 'run-10482', title: 'Document the retry policy', script: 'sleep 1; echo done', labels: team('billing') })
  const running = await stage.submit({
    taskId: 'run-10483',
    title: 'Fix the login form',
    script: LOG,
    labels: team('web'),
    envVars: { GITHUB_ACCESS_TOKEN: 'not shown' },
  })
  await stage.submit({
    taskId: 'run-10484',
    title: 'Review retries in the mailer',
    script: 'while true; do sleep 1; done',
    labels: team('billing'),
  })
  await stage.submit({
    taskId: 'run-10485',
    title: 'Migrate the search index',
    script: 'while true; do sleep 1; done',
    labels: team('search'),
  })
  await until('two run', async () => (await stage.state(running)) === 'running')
  await stage.submit({ taskId: 'run-10486', title: 'Profile the onboarding page', script: 'true', labels: team('web') })
  await stage.submit({ taskId: 'run-10487', title: 'Test billing webhooks', script: 'true', labels: team('billing') })
  // One of the past whose life has many colours.
  const past = await stage.jobhook.rest('GET', '/v1/tasks?state=failed&limit=100')
  const span = ({ times }: { times: Record<string, string> }): number => Date.parse(times.finished ?? '') - Date.parse(times.accepted ?? '')
  const colourful = past.body.items
    .filter(
      ({ times, reason }: { times: Record<string, string>; reason: string }) =>
        reason === 'container_oom' && times.scheduled !== times.accepted && times.pulled !== times.scheduled,
    )
    .sort((a: { times: Record<string, string> }, b: { times: Record<string, string> }) => span(a) - span(b))
  return { running, failed: dead, ended: colourful[0].id }
}

async function open(browser: Browser, url: string, width: (typeof WIDTHS)[number], scheme: Scheme): Promise<Page> {
  const context = await browser.newContext({
    viewport: { width, height: HEIGHTS[width] },
    colorScheme: scheme,
    reducedMotion: 'reduce',
    deviceScaleFactor: 1,
  })
  const page = await context.newPage()
  await page.goto(`${url}/ui/login`)
  await page.fill('#token', TOKEN)
  await page.press('#token', 'Enter')
  await page.waitForURL(/\/ui$/)
  return page
}

mkdirSync(FOLDER, { recursive: true })
const stage = await setStage({
  workerId: 'agents-eu-1',
  past: 480,
  spreadSeconds: 5_400,
  limits: { max_concurrent_tasks: 3, overflow: 'queue' },
})
const browser = await launchChromium()
try {
  const { running, failed, ended } = await populate(stage)
  await new Promise((resolve) => setTimeout(resolve, 14_000)) // the log of the running task grows, its timeline too
  const { url } = stage.jobhook
  const pages: [name: string, path: string, ready: string, full: boolean][] = [
    ['overview', '/ui', '[data-live]:not([hidden])', false],
    ['tasks', '/ui/tasks', '[data-hint]:not([hidden]), [data-pager][hidden]', false],
    ['task', `/ui/tasks/${running}`, '.log div', true],
    ['ended', `/ui/tasks/${ended}`, '.log div', false],
    ['failed', `/ui/tasks/${failed}`, '.log div', true],
    ['deliveries', '/ui/deliveries', '[data-live]:not([hidden])', false],
    ['login', '/ui/login', '#token', false],
  ]
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of WIDTHS) {
      const wanted = pages.filter(([name]) => ALL || KEPT.has(`${name}-${width}-${scheme}`))
      if (wanted.length === 0) continue
      const page = await open(browser, url, width, scheme)
      for (const [name, path, ready, full] of wanted) {
        await page.goto(`${url}${path}`)
        await page.waitForSelector(ready, { state: 'attached' })
        await page.waitForTimeout(700)
        await page.screenshot({ path: join(FOLDER, `${name}-${width}-${scheme}.png`), fullPage: full })
      }
      await page.context().close()
    }
  }
  console.error(`screenshots written to ${FOLDER}`)
} finally {
  await browser.close()
  await stage.strike()
}
