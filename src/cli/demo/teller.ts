// Tells how the tasks stand: a table redrawn in place on a terminal, else a line for each change. Not for: the words (view.ts).

import type { Paint } from '../colour.ts'
import type { Row } from './judge.ts'
import { createScreen } from './screen.ts'
import { NARROWEST_COLUMNS, progressLine, tableLines } from './view.ts'

export interface Teller {
  tell(rows: readonly Row[], elapsedMs: number): void
  close(): void
}

/** Lines below the table that the terminal needs for its cursor. */
const SPARE_LINES = 2

export function createTeller(options: { plain: boolean; paint: Paint; taskCount: number }): Teller {
  const { columns = 0, rows = 0 } = process.stdout
  const fits = columns >= NARROWEST_COLUMNS && rows >= options.taskCount + 1 + SPARE_LINES
  const live = process.stdout.isTTY === true && process.env.TERM !== 'dumb' && !options.plain && fits
  return live ? liveTable(options.paint) : changeLines()
}

function liveTable(paint: Paint): Teller {
  const screen = createScreen(process.stdout)
  let closed = false
  return {
    tell: (rows) => screen.draw(tableLines(rows, process.stdout.columns, paint)),
    close() {
      if (!closed) screen.close()
      closed = true
    },
  }
}

function changeLines(): Teller {
  const told = new Map<string, string>()
  return {
    tell(rows, elapsedMs) {
      for (const row of rows) {
        if (row.state === 'waiting' || told.get(row.id) === row.state) continue
        told.set(row.id, row.state)
        process.stdout.write(`${progressLine(row, elapsedMs)}\n`)
      }
    },
    close: () => undefined,
  }
}
