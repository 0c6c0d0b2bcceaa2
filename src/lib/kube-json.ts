// The API's JSON, with metadata.managedFields left out before it is parsed: a third of every Job and Pod, half of the time it takes to parse one,
// and nothing of it is ever read here. Not for objects that are written back.

const BEGIN = ',"managedFields":['
/** The API writes metadata before spec, and managedFields last in it. A quote that follows a comma begins a string, so this cannot lie inside one. */
const END = ']},"spec":{'

/** The same JSON without them; unchanged where an object is not laid out as the API does it. */
export function dropManagedFields(text: string): string {
  const pieces: string[] = []
  let kept = 0
  for (let begin = text.indexOf(BEGIN); begin !== -1; ) {
    const end = text.indexOf(END, begin)
    const next = text.indexOf(BEGIN, begin + BEGIN.length)
    // The end found is that of another object: this one has no spec after its metadata.
    if (end === -1 || (next !== -1 && next < end)) return text
    pieces.push(text.slice(kept, begin))
    kept = end + 1
    begin = next
  }
  return kept === 0 ? text : pieces.join('') + text.slice(kept)
}

/** A Job or a Pod, or an event about one. */
export function parseObject(text: string): unknown {
  return JSON.parse(dropManagedFields(text))
}

export interface ListText {
  metadata: { resourceVersion?: string; continue?: string } | undefined
  /** Parsed when asked for. */
  items(): unknown[]
}

/** A list whose metadata, which comes first, is known before the items are parsed: the next page can be asked for meanwhile. */
export function readList(text: string): ListText {
  return readHead(text) ?? readWhole(text)
}

const ITEMS = ',"items":['

function readHead(text: string): ListText | null {
  const at = text.indexOf(ITEMS)
  const end = text.lastIndexOf(']}')
  if (at === -1 || end < at || text.slice(end + 2).trim() !== '') return null
  try {
    const { metadata } = JSON.parse(`${text.slice(0, at)}}`) as { metadata?: ListText['metadata'] }
    return metadata === undefined ? null : { metadata, items: () => itemsOf(text, text.slice(at + ITEMS.length - 1, end + 1)) }
  } catch {
    // What looked like the list's items was something inside its head.
    return null
  }
}

/** `part` is what lies between the first "items": and the end; when the items are not last it is no JSON. */
function itemsOf(text: string, part: string): unknown[] {
  try {
    return parseObject(part) as unknown[]
  } catch {
    return readWhole(text).items()
  }
}

function readWhole(text: string): ListText {
  const list = JSON.parse(text) as { metadata?: ListText['metadata']; items?: unknown[] | null }
  return { metadata: list.metadata, items: () => list.items ?? [] }
}
