// Characters that are no text: they would end a line, steer a terminal or turn what is shown around.

/**
 * Control characters (C0, DEL, C1) but tab and line feed, Unicode's line ends, marks of direction, the byte order mark, noncharacters. What YAML does
 * not allow is among them.
 */
export const UNPRINTABLE = /(?![\t\n])[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/u

const ALL_UNPRINTABLE = new RegExp(UNPRINTABLE, 'gu')

/** As \uXXXX: for text whose strings are quoted as JSON or YAML quotes them. */
export function escapeUnprintable(quoted: string): string {
  return UNPRINTABLE.test(quoted)
    ? quoted.replace(ALL_UNPRINTABLE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
    : quoted
}
