// A control plane in a closed network: HTTPS with a certificate of a private authority, and to be reached only through a proxy that lets nothing else out.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'

export interface ClosedControlPlane {
  /** PEM of the authority. */
  authority: string
  /** Of the proxy, on 127.0.0.1. */
  proxyPort: number
  /** What was asked of the proxy, in order: "control.example:443". */
  asked: string[]
  close(): void
}

/** @param plainPort where the same control plane takes plain HTTP on 127.0.0.1 */
export async function startClosedControlPlane(options: { folder: string; host: string; plainPort: number }): Promise<ClosedControlPlane> {
  const { host, plainPort } = options
  const { authority, certificate, key } = certify(options.folder, host)
  const secured = createTlsServer({ cert: certificate, key }, (client) => {
    const other = connect(plainPort, '127.0.0.1')
    client.pipe(other).pipe(client)
    client.on('error', () => other.destroy())
    other.on('error', () => client.destroy())
  })
  const sockets = new Set<Socket>()
  const asked: string[] = []
  const proxy = createHttpServer((_request, response) => response.writeHead(405).end())
  proxy.on('connect', (request, client) => {
    asked.push(request.url ?? '')
    client.on('error', () => {})
    if (request.url !== `${host}:443`) return void client.end('HTTP/1.1 403 Forbidden\r\n\r\n')
    const other = connect(portOf(secured), '127.0.0.1', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(other).pipe(client)
    })
    other.on('error', () => client.destroy())
  })
  for (const server of [proxy, secured])
    server.on('connection', (socket: Socket) => sockets.add(socket.once('close', () => sockets.delete(socket))))
  await Promise.all([listen(secured), listen(proxy)])
  return {
    authority,
    proxyPort: portOf(proxy),
    asked,
    close() {
      proxy.close()
      secured.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** An authority of one's own, and a certificate of it for this name, by openssl. */
function certify(folder: string, host: string): { authority: string; certificate: string; key: string } {
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=private authority')
  openssl('req', ...newKey, '-keyout', 'tls.key', '-out', 'tls.csr', '-subj', `/CN=${host}`)
  writeFileSync(file('tls.ext'), `subjectAltName=DNS:${host}`)
  const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'tls.ext']
  openssl('x509', '-req', '-in', 'tls.csr', ...signed, '-out', 'tls.crt')
  const read = (name: string): string => readFileSync(file(name), 'utf8')
  return { authority: read('ca.crt'), certificate: read('tls.crt'), key: read('tls.key') }
}

const listen = (server: Server): Promise<void> => new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
const portOf = (server: Server): number => (server.address() as AddressInfo).port
