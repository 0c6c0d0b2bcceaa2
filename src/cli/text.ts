// Text for terminals: what came from outside must not break a line, move the cursor or turn its direction.

/** Control characters (C0, DEL, C1), line separators and bidirectional controls as \uXXXX; everything else as it is. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, escaped)
}

/** A log for a terminal: tabs, line ends and colours (SGR) stay, any other control character is shown, so that it cannot move the cursor, set titles or the clipboard. */
export function harmless(text: string): string {
  return text.replace(CONTROLS_OR_COLOUR, (found) => (found.length > 1 ? found : escaped(found)))
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const CONTROLS_OR_COLOUR = /\u001b\[[0-9;:]*m|(?![\t\n\r])[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** Cuts to `width` columns, the last one an ellipsis; pads to it when `pad`. Counts one column a code point, which holds for what we print. */
export function fit(text: string, width: number, pad = false): string {
  const characters = [...text]
  const cut = characters.length > width ? `${characters.slice(0, Math.max(width - 1, 0)).join('')}…` : text
  return pad ? cut + ' '.repeat(Math.max(width - characters.length, 0)) : cut
}
