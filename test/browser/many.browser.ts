// Ten thousand tasks: the page holds them all, paints only what is in sight, and says how long the main thread was ever busy at a stretch.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import { until } from '../support/wait.ts'
import { launchChromium } from './chromium.ts'
import { type Stage, setStage } from './stage.ts'
import { visit } from './visit.ts'

const TASKS = 10_000
const ROWS_AT_MOST = 80
let stage: Stage
let browser: Browser

before(async () => {
  stage = await setStage({ workerId: `many-${process.pid}`, past: TASKS, spreadSeconds: 72_000 })
  browser = await launchChromium()
})
after(async () => {
  await browser?.close()
  await stage?.strike()
})

interface Measured {
  longTasks: number[]
  rowsAtMost: number
}

test('10,000 tasks: all are there, the page stays small, scrolling and searching go on', async (context) => {
  const { page, leave } = await visit(browser, stage.jobhook.url)
  await page.addInitScript(() => {
    const measured: Measured = { longTasks: [], rowsAtMost: 0 }
    Object.assign(globalThis, { measured })
    new PerformanceObserver((list) => measured.longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({
      entryTypes: ['longtask'],
    })
    const count = (): void => {
      measured.rowsAtMost = Math.max(measured.rowsAtMost, document.querySelectorAll('tbody tr[data-id]').length)
      requestAnimationFrame(count)
    }
    requestAnimationFrame(count)
  })
  // Processor time of the main thread: what other programs of the machine do does not count.
  const devtools = await page.context().newCDPSession(page)
  await devtools.send('Performance.enable', { timeDomain: 'threadTicks' })
  let busyBefore = 0
  const take = async (what: string): Promise<void> => {
    const { metrics } = await devtools.send('Performance.getMetrics')
    const busy = metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0
    const busyMs = Math.round((busy - busyBefore) * 1000)
    busyBefore = busy
    const { longTasks, rowsAtMost } = await page.evaluate(() => {
      const { measured } = globalThis as unknown as { measured: Measured }
      const taken = { ...measured }
      measured.longTasks = []
      return taken
    })
    const longest = Math.round(Math.max(0, ...longTasks))
    context.diagnostic(
      `${what}: ${busyMs} ms of the main thread; ${longTasks.length} long tasks by the clock, the longest ${longest} ms; at most ${rowsAtMost} rows in the page`,
    )
    assert.ok(rowsAtMost <= ROWS_AT_MOST, `${rowsAtMost} rows in the page`)
  }
  const rowCount = async (): Promise<string | null> => page.locator('[data-tasks]').getAttribute('aria-rowcount')

  const startedMs = performance.now()
  await page.goto(`${stage.jobhook.url}/ui/tasks`)
  const paintedMs = performance.now()
  await until('all tasks are in the page', async () => (await rowCount()) === String(TASKS + 1))
  context.diagnostic(
    `first paint of 100 tasks after ${Math.round(paintedMs - startedMs)} ms, all ${TASKS} after ${Math.round(performance.now() - startedMs)} ms`,
  )
  await take('loading')

  for (let step = 0; step < 60; step++) {
    await page.mouse.wheel(0, 4_000)
    await page.waitForTimeout(16)
  }
  await take('scrolling 240,000 px by wheel')
  await page.keyboard.press('j')
  await page.keyboard.press('End')
  assert.match(await page.evaluate(() => document.activeElement?.closest('tr')?.getAttribute('aria-rowindex') ?? ''), /^10001$/)
  assert.ok(await page.evaluate(() => (document.activeElement?.getBoundingClientRect().bottom ?? 0) <= innerHeight))
  await page.keyboard.press('Home')
  assert.equal(await page.evaluate(() => document.activeElement?.closest('tr')?.getAttribute('aria-rowindex')), '2')
  await take('to the end and back by keyboard')

  await page.keyboard.press('/')
  await page.keyboard.type('run-1999 team')
  await until('the search has narrowed it', async () => Number(await rowCount()) < 20)
  await take('searching')
  const total = await page.evaluate(() => document.getElementsByTagName('*').length)
  context.diagnostic(`${total} elements in the page`)
  assert.ok(total < 2_000)
  await leave()
})
