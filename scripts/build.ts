// `npm run build`: compiles src/, routes/ and the example that the demo starts to dist/ as JavaScript with types, for what runs without type stripping: the npm package (Node refuses
// .ts under node_modules) and the image. Files that are no TypeScript, such as the page's, are copied beside.
import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'

const root = join(import.meta.dirname, '..')

rmSync(join(root, 'dist'), { recursive: true, force: true })
// By its file: node_modules/.bin may hold a Node of its own that `npm ci --ignore-scripts` left without its binary.
const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
const compiled = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' })
if (compiled.status !== 0) {
  console.error('build: the compiler failed (above)')
  process.exit(1)
}
for (const file of globSync('{src,routes}/**/*', { cwd: root })) {
  const source = join(root, file)
  if (file.endsWith('.ts') || !statSync(source).isFile()) continue
  const target = join(root, 'dist', file)
  mkdirSync(dirname(target), { recursive: true })
  cpSync(source, target)
}
if (!existsSync(join(root, 'dist', 'src', 'main.js'))) {
  console.error('build: dist/src/main.js is missing')
  process.exit(1)
}
