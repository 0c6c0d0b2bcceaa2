// Writes ustar archives with fixed times and owners: the same content always gives the same bytes. Only what an image layer needs.

export interface TarEntry {
  /** Path without a leading slash; over 100 bytes it is split at a slash. */
  path: string
  kind: 'file' | 'folder' | 'link'
  mode: number
  /** File content. */
  content?: Buffer
  /** Link target. */
  target?: string
}

const block = 512

export function tar(entries: TarEntry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const content = entry.content ?? Buffer.alloc(0)
    return [header(entry, content.length), content, Buffer.alloc((block - (content.length % block)) % block)]
  })
  return Buffer.concat([...parts, Buffer.alloc(2 * block)])
}

function header(entry: TarEntry, size: number): Buffer {
  const { name, prefix } = splitPath(entry.path)
  if (Buffer.byteLength(entry.target ?? '') > 100) throw new Error(`link target too long for this archive: ${entry.target}`)
  const bytes = Buffer.alloc(block)
  const octal = (value: number, length: number) => value.toString(8).padStart(length - 1, '0')
  bytes.write(name, 0)
  bytes.write(octal(entry.mode, 8), 100)
  bytes.write(octal(0, 8), 108) // owner: root
  bytes.write(octal(0, 8), 116)
  bytes.write(octal(size, 12), 124)
  bytes.write(octal(0, 12), 136) // modified: 1970
  bytes.write({ file: '0', link: '2', folder: '5' }[entry.kind], 156)
  bytes.write(entry.target ?? '', 157)
  bytes.write('ustar\u000000', 257)
  bytes.write(prefix, 345)
  bytes.write(' '.repeat(8), 148) // the checksum counts itself as spaces
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${octal(sum, 7)}\u0000 `, 148)
  return bytes
}

/** ustar has 100 bytes for the end of a path and 155 for what is before, without the slash between. */
function splitPath(path: string): { name: string; prefix: string } {
  const bytes = Buffer.from(path)
  if (bytes.length <= 100) return { name: path, prefix: '' }
  const slash = bytes.indexOf('/', bytes.length - 101)
  if (slash === -1 || slash > 155) throw new Error(`path too long for this archive: ${path}`)
  return { name: bytes.subarray(slash + 1).toString(), prefix: bytes.subarray(0, slash).toString() }
}
