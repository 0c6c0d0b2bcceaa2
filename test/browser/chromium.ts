// The real Chromium of the system: installed from Debian's packages where that is possible, else said what is missing. Nothing is downloaded otherwise.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATHS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']

export async function launchChromium(): Promise<Browser> {
  return chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-dev-shm-usage'] })
}

function findChromium(): string {
  const named = process.env.CHROMIUM
  if (named !== undefined) return named
  const found = PATHS.find((path) => existsSync(path))
  if (found !== undefined) return found
  const remedy = 'Chromium is needed: install it (Debian: apt-get install chromium) or name it in the environment variable CHROMIUM'
  if (process.getuid?.() !== 0 || !existsSync('/usr/bin/apt-get')) throw new Error(remedy)
  console.error('installing chromium (apt-get), once')
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-liberation']]) {
    const done = spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    })
    if (done.status !== 0) throw new Error(`apt-get ${args[0]} failed. ${remedy}`)
  }
  return findChromium()
}
