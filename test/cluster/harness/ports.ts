// Finds free ports on 127.0.0.1 for processes that must be told theirs.
import { createServer } from 'node:net'

/**
 * Below the ports that the kernel hands out to outgoing connections (from 32768 on Linux): one of those could be taken
 * between this check and the moment the process binds it.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found: number[] = []
  for (let attempt = 0; found.length < count; attempt++) {
    if (attempt > 1000) throw new Error('no free ports between 20000 and 32000 on 127.0.0.1')
    const port = 20_000 + Math.floor(Math.random() * 12_000)
    if (!found.includes(port) && (await isFree(port))) found.push(port)
  }
  return found
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
