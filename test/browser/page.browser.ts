// The page in real Chromium: what a person does with it, with the mouse and with the keyboard alone; what a screen reader and a phone find.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { TOKEN } from '../support/jobhook.ts'
import { until } from '../support/wait.ts'
import { launchChromium } from './chromium.ts'
import { READER, type Stage, setStage } from './stage.ts'
import { visit } from './visit.ts'

const FOREVER = 'trap "exit 143" TERM; echo begun; while true; do sleep 0.1; done'
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const WIDTHS = [360, 768, 1280]
const folder = mkdtempSync(join(tmpdir(), 'jobhook-page-'))
let stage: Stage
let browser: Browser
let url: string

before(async () => {
  stage = await setStage({ workerId: `browser-${process.pid}`, past: 40, spreadSeconds: 3_600 })
  url = stage.jobhook.url
  browser = await launchChromium()
})
after(async () => {
  await browser?.close()
  await stage?.strike()
  rmSync(folder, { recursive: true, force: true })
})

const textOf = (page: Page, selector: string): Promise<string> => page.locator(selector).first().innerText()
const focusedText = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.textContent?.trim() ?? '')

/** Presses Tab until what is meant has the focus: as many times as a person would be willing to. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 40; presses++) {
    if ((await focusedText(page)) === text) return
    await page.keyboard.press('Tab')
  }
  assert.fail(`“${text}” is not reached with 40 presses of Tab`)
}

test('logging in and out by keyboard: a wrong token is told, a right one leads to where one wanted to go', async () => {
  const { page, leave } = await visit(browser, url, { token: null, expected: /status of 401/ })
  await page.goto(`${url}/ui/tasks?state=failed`)
  assert.match(page.url(), /\/ui\/login\?next=/)
  await page.keyboard.type('not a token of ours')
  await page.keyboard.press('Enter')
  assert.match(await textOf(page, '[role=alert]'), /does not know this token/)
  await page.keyboard.type(TOKEN)
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/ui\/tasks\?state=failed$/)
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts do not see the login')
  await tabTo(page, 'Log out')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/ui\/login$/)
  await page.goto(`${url}/ui`)
  assert.match(page.url(), /\/ui\/login/)
  await leave()
})

test('the list goes along with the tasks, without being loaded again; the script’s rows are the service’s', async () => {
  const { page, leave } = await visit(browser, url)
  await page.goto(`${url}/ui/tasks`)
  const painted = await page.evaluate(async () => {
    const fresh = new DOMParser().parseFromString(await (await fetch('/ui/tasks')).text(), 'text/html')
    return [...fresh.querySelectorAll('tbody tr')]
      .slice(0, 10)
      .map((row) => row.innerHTML.replace(/>\d+ \w( \d+ \w)?<\/time>/g, '></time>'))
  })
  await page.waitForSelector('[data-pager][hidden]', { state: 'attached' })
  const live = await page
    .locator('tbody tr[data-id]')
    .evaluateAll((rows) => rows.slice(0, 10).map((row) => row.innerHTML.replace(/>\d+ \w( \d+ \w)?<\/time>/g, '></time>')))
  assert.deepEqual(live, painted)

  const id = await stage.submit({ taskId: 'in-the-list', title: 'Seen <b>live</b>', script: 'sleep 0.5; exit 3', labels: { team: 'web' } })
  const row = page.locator(`tr[data-id="${id}"]`)
  await row.waitFor()
  assert.match(await row.innerText(), /Seen <b>live<\/b>/)
  await row.locator('.state-failed').waitFor()
  assert.match(await row.innerText(), /container_exit/)

  await page.keyboard.press('/')
  await page.keyboard.type('seen live team=web')
  await until('only it is left', async () => (await page.locator('tbody tr[data-id]').count()) === 1)
  assert.match(page.url(), /search=seen\+live/)
  assert.match(await textOf(page, '[data-count]'), /^1 task, 0 under way$/)
  await page.keyboard.press('Escape')
  await until('all are back', async () => (await page.locator('tbody tr[data-id]').count()) > 1)
  await page.locator('.chip', { hasText: 'failed' }).click()
  await until('failed ones only', () =>
    page
      .locator('tbody tr[data-id] .state')
      .evaluateAll((states) => states.length > 0 && states.every((state) => state.textContent === 'failed')),
  )
  await leave()
})

test('a task’s page: the timeline grows, the log comes line by line, the end is announced', async () => {
  const goOn = join(folder, 'go-on')
  const id = await stage.submit({
    taskId: 'followed',
    title: 'Print a few lines',
    script: `echo first line; until [ -e ${goOn} ]; do sleep 0.1; done; i=0; while [ $i -lt 25 ]; do i=$((i+1)); echo "line $i <i>"; done; sleep 1`,
  })
  const { page, leave } = await visit(browser, url)
  await page.goto(`${url}/ui/tasks/${id}`)
  await page.locator('.log', { hasText: 'first line' }).waitFor()
  assert.ok(!(await textOf(page, '.log')).includes('line 25'), 'lines come before the last is written')
  await page.locator('.bar-run.open').waitFor({ state: 'attached' })
  writeFileSync(goOn, '')
  await page.locator('[data-part=summary] .state-completed').waitFor()
  await until('the log is whole', async () => (await textOf(page, '[data-log-state]')) === 'complete')
  assert.match(await textOf(page, '.log'), /line 25 <i>/)
  await until('the end is announced', async () => /The task has completed/.test(await textOf(page, '[data-toast]')))
  const steps = await page.locator('.step-name').allInnerTexts()
  assert.deepEqual(steps, ['accepted', 'scheduled', 'pulled', 'started', 'finished', 'reported'])
  assert.match((await page.locator('svg.timeline').getAttribute('aria-label')) ?? '', /^Timeline, \d+ s in all: waited for a node/)
  assert.match(await textOf(page, '[data-part=pod]'), /exited 0/)
  await page.getByText('secrets masked').click()
  assert.match(await textOf(page, 'pre.manifest'), /kind: Job|backoffLimit: 0/)
  await leave()
})

test('a task is found, opened and cancelled with the keyboard alone', async () => {
  const id = await stage.submit({ taskId: 'to-cancel', title: 'Never ends', script: FOREVER })
  await until('it runs', async () => (await stage.state(id)) === 'running')
  const { page, leave } = await visit(browser, url)
  await tabTo(page, 'Tasks')
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-pager][hidden]', { state: 'attached' })
  await page.keyboard.press('/')
  await page.keyboard.type('never ends')
  await until('only it is left', async () => (await page.locator('tbody tr[data-id]').count()) === 1)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.waitForURL(/\/ui\/tasks\/task-to-cancel/)
  await tabTo(page, 'Cancel task')
  await page.keyboard.press('Enter')
  await until('the safe answer has the focus', async () => (await focusedText(page)) === 'Keep it running')
  await page.keyboard.press('Escape')
  assert.equal(await stage.state(id), 'running')
  await until('the focus is back', async () => (await focusedText(page)) === 'Cancel task')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  assert.equal(await focusedText(page), 'Cancel task')
  await page.keyboard.press('Enter')
  await page.locator('[data-part=summary] .state-cancelled').waitFor()
  assert.equal(await stage.state(id), 'cancelled')
  assert.equal(await page.locator('[data-cancel]').count(), 0)
  await leave()
})

test('a dead letter is sent again from the page, under the same id', async () => {
  stage.receiver.answer = (message) => (message.data.task_id === 'undelivered' ? 500 : 200)
  const id = await stage.submit({ taskId: 'undelivered', script: 'exit 4' })
  const { page, leave } = await visit(browser, url)
  await page.goto(`${url}/ui/deliveries`)
  const row = page.locator('tr', { hasText: 'undelivered' })
  await row.locator('.report-dead').waitFor()
  stage.receiver.answer = () => 200
  await row.getByRole('button', { name: 'Replay: undelivered' }).focus()
  await page.keyboard.press('Enter')
  await until('it is said', async () => /The report of undelivered is sent again/.test(await textOf(page, '[data-toast]')))
  await row.waitFor({ state: 'detached' })
  const verdicts = stage.receiver.verdicts('undelivered')
  assert.equal(new Set(verdicts.map((message) => message.id)).size, 1)
  assert.equal(verdicts.at(-1)?.answered, 200)
  await page.goto(`${url}/ui/tasks/${id}`)
  assert.match(await textOf(page, '[data-part=delivery]'), /delivered/)
  await leave()
})

test('who may only read sees no buttons, and cannot do by hand what they would do', async () => {
  const id = await stage.submit({ taskId: 'kept', script: FOREVER })
  const { page, leave } = await visit(browser, url, { token: READER, expected: /status of 403/ })
  await page.goto(`${url}/ui/tasks/${id}`)
  await page.waitForSelector('[data-live]:not([hidden])')
  assert.equal(await page.locator('[data-cancel], [data-replay], [data-log]').count(), 0)
  const status = await page.evaluate(
    async (path) => (await fetch(path, { method: 'DELETE', headers: { 'x-jobhook-page': '1' } })).status,
    `/v1/tasks/${id}`,
  )
  assert.equal(status, 403)
  await leave()
})

test('without JavaScript everything can be read', async () => {
  const { page, leave } = await visit(browser, url, { javaScriptEnabled: false })
  await page.goto(`${url}/ui/tasks`)
  await page.fill('#search', 'run-10')
  await page.getByRole('button', { name: 'Apply' }).click()
  await page.locator('tbody a').first().click()
  await page.locator('svg.timeline').waitFor()
  assert.equal(await page.locator('[data-cancel]:visible, [data-replay]:visible').count(), 0)
  await page.getByRole('link', { name: 'Open the manifest' }).or(page.getByText('secrets masked')).first().click()
  await leave()
})

test('the service is killed and comes back: the page says so, connects again by itself and shows what has happened since', async () => {
  const { page, leave } = await visit(browser, url, {
    expected: /ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING|CONNECTION_RESET|EMPTY_RESPONSE)/,
  })
  await page.goto(`${url}/ui/tasks`)
  await page.waitForSelector('[data-pager][hidden]', { state: 'attached' })
  await page.evaluate(() => Object.assign(globalThis, { notLoadedAgain: true }))
  await stage.killAndRestart(() => page.locator('[data-live].waits').waitFor())
  const id = await stage.submit({ taskId: 'after-the-kill', script: 'true' })
  await page.locator(`tr[data-id="${id}"] .state-completed`).waitFor()
  await page.locator('[data-live]:not(.waits)').waitFor()
  assert.ok(await page.evaluate(() => 'notLoadedAgain' in globalThis), 'without being loaded again, still logged in')
  await leave()
})

interface AxeResult {
  violations: { id: string; help: string; nodes: { target: string[] }[] }[]
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`${colorScheme}, at three widths: no axe finding, nothing sticks out, on any page`, async () => {
    const tasks = await stage.jobhook.rest('GET', '/v1/tasks?state=failed&limit=1')
    const running = await stage.submit({ taskId: `axe-${colorScheme}`, title: 'Looked at closely', script: FOREVER })
    await until('it runs', async () => (await stage.state(running)) === 'running')
    const paths = ['/ui', '/ui/tasks', `/ui/tasks/${running}`, `/ui/tasks/${tasks.body.items[0].id}`, '/ui/deliveries', '/ui/login']
    const { page, leave } = await visit(browser, url, { colorScheme, expected: /status of 4(04|10)/ })
    for (const path of paths) {
      await page.goto(`${url}${path}`)
      if (path !== '/ui/login') await page.waitForSelector('[data-live]:not([hidden])')
      await page.evaluate(AXE)
      for (const width of WIDTHS) {
        await page.setViewportSize({ width, height: 900 })
        const { violations } = await page.evaluate(() =>
          (globalThis as unknown as { axe: { run(options: object): Promise<AxeResult> } }).axe.run({ resultTypes: ['violations'] }),
        )
        const told = violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes.map(({ target }) => target.join(' ')).slice(0, 3)})`)
        assert.deepEqual(told, [], `${path} at ${width}`)
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
        assert.ok(beyond <= 0, `${path} at ${width} is ${beyond} px too wide`)
      }
    }
    await stage.jobhook.rest('DELETE', `/v1/tasks/${running}`)
    await leave()
  })
}
