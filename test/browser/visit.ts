// A visit to the page: a browser context of its own, logged in or not, that remembers everything that went wrong in it.
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { TOKEN } from '../support/jobhook.ts'

export interface Visit {
  page: Page
  /** Errors in the console (what the policy refused is one too) and exceptions; the test must find none. */
  problems: string[]
  /** Fails when anything went wrong. */
  leave(): Promise<void>
}

export interface VisitOptions {
  token?: string | null
  width?: number
  height?: number
  colorScheme?: 'light' | 'dark'
  javaScriptEnabled?: boolean
  /** Errors that the test causes on purpose. */
  expected?: RegExp
}

export async function visit(browser: Browser, url: string, options: VisitOptions = {}): Promise<Visit> {
  const { token = TOKEN, width = 1280, height = 900, colorScheme = 'light', javaScriptEnabled = true, expected } = options
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, javaScriptEnabled, reducedMotion: 'reduce' })
  context.setDefaultTimeout(20_000)
  const page = await context.newPage()
  const problems: string[] = []
  const note = (text: string): void => {
    if (!expected?.test(text)) problems.push(text)
  }
  page.on('console', (message) => message.type() === 'error' && note(message.text()))
  page.on('pageerror', (error) => note(String(error)))
  page.on('request', (request) => new URL(request.url()).origin !== url && note(`asked another site: ${request.url()}`))
  if (token !== null) {
    await page.goto(`${url}/ui/login`)
    await page.fill('#token', token)
    await page.press('#token', 'Enter')
    await page.waitForURL(/\/ui$/)
  }
  return {
    page,
    problems,
    async leave() {
      assert.deepEqual(problems, [])
      await context.close()
    },
  }
}
