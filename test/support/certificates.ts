// Certificates for tests, made by openssl in a folder of their own: one authority and what it signs.
import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** For `skip` of node:test: false where certificates can be made, else why not. */
export const noCertificates: string | false = canRun() ? false : 'there is no openssl on this machine to make certificates with'

export interface Certificates {
  file(name: string): string
  read(name: string): string
  /** `name`.crt and `name`.key, signed by ca.crt. `extension` as in an openssl extension file. */
  issue(name: string, commonName: string, extension: string): void
  /** Puts the pair `from` in the place of the pair `to`. */
  replace(to: string, from: string): void
  remove(): void
}

export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-tls-'))
  const file = (name: string): string => join(folder, name)
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' })
  const newKey = (name: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    `${name}.key`,
  ]
  openssl('req', '-x509', ...newKey('ca'), '-out', 'ca.crt', '-days', '2', '-subj', '/CN=test authority')
  return {
    file,
    read: (name) => readFileSync(file(name), 'utf8'),
    issue(name, commonName, extension) {
      writeFileSync(file(`${name}.ext`), extension)
      openssl('req', ...newKey(name), '-out', `${name}.csr`, '-subj', `/CN=${commonName}`)
      const authority = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
      openssl('x509', '-req', '-in', `${name}.csr`, ...authority, '-extfile', `${name}.ext`, '-out', `${name}.crt`)
    },
    replace(to, from) {
      for (const kind of ['crt', 'key']) copyFileSync(file(`${from}.${kind}`), file(`${to}.${kind}`))
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

function canRun(): boolean {
  try {
    execFileSync('openssl', ['version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
