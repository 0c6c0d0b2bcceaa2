// Carries out a Dockerfile without Docker: the same commands in temporary roots, one a stage. Knows the instructions that ours uses and refuses others.
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

export interface Instruction {
  name: string
  text: string
}

export interface BuiltImage {
  /** Folder that stands for the image's /. */
  root: string
  workdir: string
  user: string
  env: Record<string, string>
  labels: Record<string, string>
  /** TCP ports of EXPOSE. */
  ports: string[]
  entrypoint: string[]
  command: string[]
  healthcheck: string[]
}

/** One instruction an entry: comments dropped, continued lines joined. */
export function parseDockerfile(text: string): Instruction[] {
  const lines = text.split('\n').filter((line) => !/^\s*#/.test(line))
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', rest = ''] = /^(\w+)\s+(.*)$/.exec(line) ?? []
      return { name, text: rest.trim() }
    })
}

/** What .dockerignore lets into the build: ours names everything that may enter, after "*". */
export function readContext(text: string): string[] {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  if (lines[0] !== '*' || lines.slice(1).some((line) => !line.startsWith('!')))
    throw new Error('.dockerignore must be "*" and then what is let in')
  return lines.slice(1).map((line) => line.slice(1))
}

/**
 * RUN is carried out with the stage's folder as / only in so far as WORKDIR is translated: our commands name no absolute path. `context` is the
 * checkout; only what .dockerignore lets in can be copied.
 */
export function buildWithoutDocker(options: {
  context: string
  folder: string
  path: string
  arguments?: Record<string, string>
}): BuiltImage {
  const { context, folder } = options
  // Docker forgets them at each FROM; ours are named once each, so that this makes no difference.
  const args: Record<string, string> = {}
  const allowed = readContext(readFileSync(join(context, '.dockerignore'), 'utf8'))
  const stages = new Map<string, string>()
  let image: BuiltImage | null = null
  for (const { name, text: written } of parseDockerfile(readFileSync(join(context, 'Dockerfile'), 'utf8'))) {
    const text = written.replaceAll(/\$\{(\w+)\}/g, (reference, key: string) => args[key] ?? reference)
    if (name === 'ARG') {
      const [key = '', fallback = ''] = text.split(/=(.*)/s)
      args[key] = options.arguments?.[key] ?? fallback
      continue
    }
    if (name === 'FROM') {
      const root = mkdtempSync(join(folder, 'stage-'))
      const stage = / AS (\S+)$/.exec(text)?.[1]
      if (stage) stages.set(stage, root)
      image = { root, workdir: '/', user: '0', env: {}, labels: {}, ports: [], entrypoint: [], command: [], healthcheck: [] }
      continue
    }
    if (!image) throw new Error(`${name} before FROM`)
    const here = join(image.root, image.workdir)
    if (name === 'WORKDIR') {
      image.workdir = text
      mkdirSync(join(image.root, text), { recursive: true })
    } else if (name === 'COPY') copy(text, { context, allowed, stages, root: image.root, here })
    else if (name === 'RUN')
      execFileSync('/bin/sh', ['-c', text], {
        cwd: here,
        stdio: ['ignore', 'ignore', 'inherit'],
        env: { ...process.env, PATH: options.path, npm_config_prefer_offline: 'true' },
      })
    else if (name === 'USER') image.user = text
    else if (name === 'LABEL') for (const [, key = '', value = ''] of text.matchAll(/(\S+?)="([^"]*)"/g)) image.labels[key] = value
    else if (name === 'EXPOSE') image.ports.push(text)
    else if (name === 'ENV') {
      const [key = '', value = ''] = text.split(/=(.*)/s)
      image.env[key] = value
    } else if (name === 'ENTRYPOINT') image.entrypoint = JSON.parse(text) as string[]
    else if (name === 'CMD') image.command = JSON.parse(text) as string[]
    else if (name === 'HEALTHCHECK') image.healthcheck = JSON.parse(text.slice(text.indexOf('['))) as string[]
    else throw new Error(`this stand-in for Docker does not know ${name}`)
  }
  if (!image) throw new Error('no FROM')
  return image
}

function copy(text: string, place: { context: string; allowed: string[]; stages: Map<string, string>; root: string; here: string }): void {
  const [, from, rest = ''] = /^(?:--from=(\S+)\s+)?(.*)$/.exec(text) ?? []
  const { context, allowed, stages } = place
  const words = rest.split(/\s+/)
  const target = words.pop() ?? ''
  const at = join(target.startsWith('/') ? place.root : place.here, target)
  for (const word of words) {
    if (from === undefined && !allowed.some((entry) => word === entry || word.startsWith(`${entry}/`)))
      throw new Error(`COPY ${word}: .dockerignore keeps it out`)
    const source = join(from === undefined ? context : (stages.get(from) ?? fail(`no stage ${from}`)), word)
    if (!existsSync(source)) throw new Error(`COPY ${word}: it is not there`)
    // Of a folder the content is copied, wherever it goes.
    const into = !statSync(source).isDirectory() && (target.endsWith('/') || existsSync(at))
    cpSync(source, into ? join(at, basename(word)) : at, { recursive: true, verbatimSymlinks: true })
  }
}

function fail(problem: string): never {
  throw new Error(problem)
}
