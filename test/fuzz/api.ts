// schemathesis against the running service: every operation of its own OpenAPI document, with data that fits and data that does not. Python comes from
// the machine, schemathesis from PyPI into a virtual environment in the cache folder.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { isWell, startFuzzed, TOKEN, WEBHOOK_SECRET } from './service.ts'

const HERE = import.meta.dirname
/** The newest first: hypothesis makes CPython 3.11 stumble now and then ("AST constructor recursion depth mismatch"). */
const PYTHONS = ['python3.14', 'python3.13', 'python3.12', ...hidden(), 'python3', 'python']

/** pyenv keeps versions that its own python3 does not lead to. */
function hidden(): string[] {
  return globSync(join(homedir(), '.pyenv/versions/3.1[2-9]*/bin/python3')).sort().reverse()
}

/** Resolves with whether every check held. */
export async function fuzzApi(options: { seed: number; examples: number }): Promise<boolean> {
  const schemathesis = installed()
  const jobhook = await startFuzzed()
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-schemathesis-'))
  try {
    const run = spawn(
      schemathesis,
      [
        '--no-color',
        '--config-file',
        join(HERE, 'schemathesis.toml'),
        'run',
        `${jobhook.url}/openapi.json`,
        `--url=${jobhook.url}`,
        `--header=Authorization: Bearer ${TOKEN}`,
        `--seed=${options.seed}`,
        `--max-examples=${options.examples}`,
        '--workers=2',
        '--request-timeout=60',
        '--continue-on-failure',
        '--warnings=off',
      ],
      {
        cwd: folder,
        stdio: 'inherit',
        env: {
          ...process.env,
          SCHEMATHESIS_HOOKS: join(HERE, 'hooks.py'),
          FUZZ_WEBHOOK_SECRET: WEBHOOK_SECRET,
          PYTHONDONTWRITEBYTECODE: '1',
        },
      },
    )
    // Not spawnSync: the service's log has to be read meanwhile, or it waits for us.
    const code = await new Promise<number | null>((resolve, reject) => run.once('exit', resolve).once('error', reject))
    return (await isWell(jobhook)) && code === 0
  } finally {
    await jobhook.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

/** The path of the program; installs it when it is not there. Throws with the remedy. */
function installed(): string {
  const requirements = join(HERE, 'requirements.txt')
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(process.env.JOBHOOK_CACHE ?? join(homedir(), '.cache', 'jobhook'), `schemathesis-${digest}`)
  const program = join(folder, 'bin', 'schemathesis')
  const complete = join(folder, 'complete')
  if (existsSync(complete)) return program
  const python = PYTHONS.find(
    (each) => spawnSync(each, ['-c', 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 10))']).status === 0,
  )
  if (!python)
    throw new Error(
      'schemathesis needs Python 3.10 or newer with venv and pip, which this machine does not have: install python3 and python3-venv',
    )
  console.error(`fuzz: installing schemathesis into ${folder} (once, with ${python})`)
  for (const [command, args] of [
    [python, ['-m', 'venv', '--clear', folder]],
    [join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '--requirement', requirements]],
  ] as const) {
    const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] })
    if (status !== 0) throw new Error(`${command} ${args.join(' ')} failed: is PyPI reachable?`)
  }
  writeFileSync(complete, '')
  return program
}
