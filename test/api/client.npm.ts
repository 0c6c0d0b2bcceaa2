// `npm run test:api`: openapi.yaml as tools from outside take it. Redocly's linter finds nothing; a client generated from it compiles with TypeScript 5
// and works against a live service. The tools are installed into a folder of their own (35 packages, 60 MB), so it needs npm's registry.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { clusterConfig, freshWorkerId, startJobhook, TOKEN } from '../support/jobhook.ts'

const TOOLS = ['@redocly/cli@2.77.0', 'openapi-typescript@7.13.0', 'openapi-fetch@0.17.0', 'typescript@5.9.3', '@types/node@22.19.3']
const ROOT = join(import.meta.dirname, '../..')
const folder = mkdtempSync(join(tmpdir(), 'jobhook-api-'))

function run(command: string, args: string[], env: Record<string, string> = {}): { status: number | null; output: string; stdout: string } {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true', ...env },
  })
  if (error) throw error
  return { status, stdout, output: stdout + stderr }
}
const tool = (name: string, ...args: string[]) => run(process.execPath, [join(folder, 'node_modules', name), ...args])
const compile = () => tool('typescript/bin/tsc', '-p', '.')

before(() => {
  writeFileSync(join(folder, 'package.json'), '{"private":true,"type":"module"}')
  const installed = run('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error', ...TOOLS])
  assert.equal(installed.status, 0, `the tools could not be installed (npm registry?): ${installed.output}`)
  copyFileSync(join(ROOT, 'openapi.yaml'), join(folder, 'openapi.yaml'))
  copyFileSync(join(import.meta.dirname, 'client/main.mts'), join(folder, 'main.mts'))
  writeFileSync(join(folder, 'redocly.yaml'), 'extends: [recommended-strict]\n')
  const compilerOptions = {
    target: 'ES2022',
    module: 'NodeNext',
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    outDir: 'out',
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.mts'] }))
})
after(() => rmSync(folder, { recursive: true, force: true }))

test('redocly finds nothing, by its strict rules', () => {
  const linted = tool('@redocly/cli/bin/cli.js', 'lint', 'openapi.yaml')
  assert.equal(linted.status, 0, linted.output)
  assert.doesNotMatch(linted.output, /warning/i)
  writeFileSync(join(folder, 'broken.yaml'), readFileSync(join(folder, 'openapi.yaml'), 'utf8').replace('state: running', 'state: dancing'))
  const broken = tool('@redocly/cli/bin/cli.js', 'lint', 'broken.yaml')
  assert.notEqual(broken.status, 0, 'the linter sees an example that does not fit')
})

test('a client generated from the document compiles, works on a live service, and mistakes do not compile', async () => {
  const generated = tool('openapi-typescript/bin/cli.js', 'openapi.yaml', '-o', 'jobhook.d.ts')
  assert.equal(generated.status, 0, generated.output)
  const compiled = compile()
  assert.equal(compiled.status, 0, compiled.output)

  const jobhook = await startJobhook({ worker_id: freshWorkerId('client'), ...clusterConfig().config })
  try {
    const ran = run(process.execPath, [join(folder, 'out/main.mjs')], { JOBHOOK_URL: jobhook.url, JOBHOOK_TOKEN: TOKEN })
    assert.equal(ran.status, 0, ran.output)
    const { log, ...learned } = JSON.parse(ran.stdout)
    assert.deepEqual(learned, { exitCode: 0, listed: [true], nextCursor: null, missing: 'not_found', fromCallback: 0 })
    assert.match(log, /^typed\n/)
  } finally {
    await jobhook.stop()
  }

  const source = readFileSync(join(folder, 'main.mts'), 'utf8')
  for (const [right, wrong] of [
    ['timeout_seconds: 60', "timeout_seconds: 'soon'"],
    ["state: ['completed', 'failed']", "state: ['done']"],
    ["'/v1/tasks/{id}/logs'", "'/v1/tasks/{id}/log'"],
  ] as const) {
    assert.ok(source.includes(right))
    writeFileSync(join(folder, 'main.mts'), source.replace(right, wrong))
    assert.notEqual(compile().status, 0, wrong)
  }
})
