// Draws lines in place on a terminal: each drawing replaces the one before. Not for: what the lines say, or output that is no terminal.
import type { WriteStream } from 'node:tty'

export interface Screen {
  draw(lines: readonly string[]): void
  /** Leaves the last drawing where it is and gives the cursor back. */
  close(): void
}

const HIDE_CURSOR = '\u001b[?25l'
const SHOW_CURSOR = '\u001b[?25h'
const CLEAR_LINE = '\u001b[2K'
const CLEAR_BELOW = '\u001b[J'

export function createScreen(output: Pick<WriteStream, 'write' | 'on' | 'off'>): Screen {
  let drawn = 0
  output.write(HIDE_CURSOR)
  // A narrower terminal has wrapped the old lines, so that their number is no longer known: begin a new drawing below them.
  const onResize = (): void => {
    drawn = 0
  }
  output.on('resize', onResize)
  return {
    draw(lines) {
      const up = drawn > 0 ? `\u001b[${drawn}A` : ''
      output.write(`${up}${lines.map((line) => `${CLEAR_LINE}${line}\n`).join('')}${CLEAR_BELOW}`)
      drawn = lines.length
    },
    close() {
      output.off('resize', onResize)
      output.write(SHOW_CURSOR)
    },
  }
}
