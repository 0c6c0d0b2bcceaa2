/** The kubeconfig of the embedded cluster: YAML text, and a file only its owner can read. The path prefix in it is the key to the door. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

export function kubeconfigText(url: string, namespace: string): string {
  return [
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '  - name: embedded',
    '    cluster:',
    `      server: ${url}`,
    'users:',
    '  - name: embedded',
    '    user: {}',
    'contexts:',
    '  - name: embedded',
    '    context:',
    '      cluster: embedded',
    '      user: embedded',
    `      namespace: ${namespace}`,
    'current-context: embedded',
    '',
  ].join('\n')
}

/** Written beside the target and renamed: a reader sees the old file or the new one, and it is never readable by others, not even for a moment. */
export function writeKubeconfig(file: string, text: string): string {
  const path = resolve(file)
  const temporary = `${path}.${process.pid}.tmp`
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(temporary, text, { mode: 0o600 })
  chmodSync(temporary, 0o600)
  renameSync(temporary, path)
  return path
}
