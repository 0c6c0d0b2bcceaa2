// The import rule: stages never import each other; they share src/model and src/lib; only the composition root knows everything.
import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { test } from 'node:test'

const ROOT = join(import.meta.dirname, '../..')
const SHARED = new Set(['model', 'lib'])
/** Files beside the stages that wire or describe the whole. The command line starts whole services. */
const KNOWS_EVERYTHING = new Set([
  'src/app.ts',
  'src/server.ts',
  'src/access.ts',
  'src/openapi.ts',
  'src/health.ts',
  'src/main.ts',
  'src/index.ts',
])

/** Folders that wire whole services. */
const WIRES = new Set(['app', 'cli'])

interface Import {
  from: string
  to: string
}

function imports(): Import[] {
  return globSync('{src,routes}/**/*.ts', { cwd: ROOT }).flatMap((file) => {
    const text = readFileSync(join(ROOT, file), 'utf8')
    const found = [...text.matchAll(/(?:from\s+|import\s*\(\s*|import\s+)['"](\.[^'"]+)['"]/g)]
    return found.map(([, target = '']) => ({
      from: file.split(sep).join('/'),
      to: relative(ROOT, join(ROOT, dirname(file), target))
        .split(sep)
        .join('/'),
    }))
  })
}

/** src/<stage>/… → stage; routes/… → routes; a file right under src → null. */
function stageOf(path: string): string | null {
  const [top, second, third] = path.split('/')
  if (top === 'routes') return 'routes'
  return top === 'src' && second && third !== undefined ? second : null
}

test('the imports of src and routes can be read', () => {
  assert.ok(imports().length > 100)
  assert.ok(imports().some(({ from, to }) => from === 'src/app/shared.ts' && to === 'src/informer/index.ts'))
})

test('a stage imports only itself, model and lib', () => {
  const broken = imports().filter(({ from, to }) => {
    const stage = stageOf(from)
    if (stage === null || WIRES.has(stage)) return false
    const target = stageOf(to)
    return target !== stage && !(target !== null && SHARED.has(target))
  })
  assert.deepEqual(broken, [])
})

test('lib and model import nothing of the stages', () => {
  const broken = imports().filter(({ from, to }) => SHARED.has(stageOf(from) ?? '') && !SHARED.has(stageOf(to) ?? ''))
  assert.deepEqual(broken, [])
})

test('only the composition root, its neighbours and the command line look into stages from outside', () => {
  const broken = imports().filter(({ from, to }) => {
    const outside = stageOf(from) === null && !KNOWS_EVERYTHING.has(from)
    const target = stageOf(to)
    return outside && target !== null && !SHARED.has(target)
  })
  assert.deepEqual(broken, [])
})

test('the composition root only wires: it stays short', () => {
  const lines = readFileSync(join(ROOT, 'src/app.ts'), 'utf8').split('\n').length
  assert.ok(lines <= 150, `src/app.ts has ${lines} lines`)
})
