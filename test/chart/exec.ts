// What `kubectl exec` does: a command in a container that runs, with its exit code.
import { PassThrough } from 'node:stream'
import { Exec, KubeConfig, type V1Status } from '@kubernetes/client-node'

export async function execIn(
  kubeconfigFile: string,
  place: { namespace: string; pod: string; container: string },
  command: string[],
): Promise<{ code: number; output: string }> {
  const config = new KubeConfig()
  config.loadFromFile(kubeconfigFile)
  const streams = [new PassThrough(), new PassThrough()] as const
  let output = ''
  for (const stream of streams)
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  const status = await new Promise<V1Status>((resolve, reject) => {
    new Exec(config)
      .exec(place.namespace, place.pod, place.container, command, streams[0], streams[1], null, false, resolve)
      .then((socket) => socket.on('error', reject))
      .catch(reject)
  })
  if (status.status === 'Success') return { code: 0, output }
  const exit = status.details?.causes?.find(({ reason }) => reason === 'ExitCode')
  if (exit === undefined) throw new Error(status.message ?? 'the command could not be run')
  return { code: Number(exit.message), output }
}
