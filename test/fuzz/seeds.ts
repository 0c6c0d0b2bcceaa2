// Inputs that broke something once: tried first, for ever. One file each, seeds/<target>-<digest>.json.
import { createHash } from 'node:crypto'
import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const FOLDER = join(import.meta.dirname, 'seeds')

export function keptInputs(target: string): { file: string; input: unknown }[] {
  return globSync(join(FOLDER, `${target}-*.json`))
    .sort()
    .map((file) => ({ file: basename(file), input: JSON.parse(readFileSync(file, 'utf8')) as unknown }))
}

/** The path of the file. */
export function keepInput(target: string, input: unknown): string {
  const text = `${JSON.stringify(input)}\n`
  const file = join(FOLDER, `${target}-${createHash('sha256').update(text).digest('hex').slice(0, 12)}.json`)
  mkdirSync(FOLDER, { recursive: true })
  writeFileSync(file, text)
  return file
}
