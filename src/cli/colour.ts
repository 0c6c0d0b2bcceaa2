// Colours for people: only on a terminal, never with NO_COLOR or --no-color, always with FORCE_COLOR.
import { styleText } from 'node:util'

export type Style = 'plain' | 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

/** Node's own rule decides: is the stream a terminal, how many colours has it, what do NO_COLOR and FORCE_COLOR say. */
export function painterFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => (style === 'plain' ? text : styleText(style, text, { stream }))
}

/** With or without, whatever the stream. */
export function painter(colours: boolean): Paint {
  return (style, text) => (colours && style !== 'plain' ? styleText(style, text, { validateStream: false }) : text)
}
