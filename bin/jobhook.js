#!/usr/bin/env node
// Starts the command line: from src/ in a checkout (Node runs TypeScript as it is), from dist/ in an installed package.
import { existsSync } from 'node:fs'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  console.error(
    `jobhook needs Node.js 22.19 or newer and runs on ${process.version}. In a checkout use "npx jobhook …" or "npm run …" (they bring their own Node), or install a newer Node.js.`,
  )
  process.exit(1)
}
const source = new URL('../src/main.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/src/main.js', import.meta.url).href)
