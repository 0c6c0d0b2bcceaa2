// What is refused before anything is created, where it points, and the remedy it names.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JobSpecOptions } from '../../src/jobspec/index.ts'
import type { Assignment } from '../../src/model/assignment.ts'
import { OZ, options, refused } from './fixtures.ts'

const sidecar = (mount_path: string) => ({ additional_sidecars: [{ image: 'tools:2', mount_path }] })
const at = '/data/additional_sidecars/0/mount_path'
const mounted = options({
  pod_template: {
    containers: [
      {
        name: 'task',
        volumeMounts: [
          { name: 'c', mountPath: '/mnt/cache' },
          { name: 'r', mountPath: '/ro', readOnly: true },
        ],
      },
    ],
  },
})
const large = 'x'.repeat(131_072)

const rows: [title: string, asked: Partial<Assignment>, given: JobSpecOptions, pointer: string, detail: RegExp][] = [
  ['no image', { docker_image: undefined } as never, options(), '/data/docker_image', /set backend\.kubernetes\.default_image/],
  ['= in a variable’s name', { env_vars: { 'A=B': 'secret-value' } }, options(), '/data/env_vars/A=B', /rename it/],
  ['an empty variable name', { env_vars: { '': 'secret-value' } }, options(), '/data/env_vars/', /empty name/],
  ['a variable’s name beyond ASCII', { env_vars: { 'É~/': 'secret-value' } }, options(), '/data/env_vars/É~0~1', /printable ASCII/],
  ['a line break in a variable’s name', { env_vars: { 'A\nB': 'secret-value' } }, options(), '/data/env_vars/A\nB', /printable ASCII/],
  ['NUL in a value', { env_vars: { A: 'secret-value\0' } }, options(), '/data/env_vars/A', /NUL/],
  ['half a surrogate pair in a value', { env_vars: { A: 'secret-value\ud800' } }, options(), '/data/env_vars/A', /whole characters/],
  ['a value too long for Linux', { env_vars: { A: large } }, options(), '/data/env_vars/A', /131069 bytes.*put it into a file/],
  ['NUL in an argument', { args: ['a', 'b\0'] }, options(), '/data/args/1', /NUL/],
  ['an argument too long for Linux', { command: [large] }, options(), '/data/command/0', /131071 bytes/],
  ['half a surrogate pair in the task’s id', { task_id: 'a\ud800' }, options(), '/data/task_id', /whole characters/],
  ['half a surrogate pair in the title', { task: { title: '\udc00' } }, options(), '/data/task/title', /whole characters/],
  ['a label’s name with a prefix', { labels: { 'a.io/b': 'c' } }, options(), '/data/labels/a.io~1b', /part after the slash/],
  ['a label’s name that Kubernetes refuses', { labels: { 'a b': 'c' } }, options(), '/data/labels/a b', /not a label name/],
  ['a label’s value that Kubernetes refuses', { labels: { a: 'b c' } }, options(), '/data/labels/a', /value that a label cannot have/],
  ['a label’s value of 64 characters', { labels: { a: 'b'.repeat(64) } }, options(), '/data/labels/a', /at most 63/],
  [
    '33 labels',
    { labels: Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`l${index}`, ''])) },
    options(),
    '/data/labels',
    /at most 32/,
  ],
  ['a relative mount path', sidecar('mnt'), options(), at, /absolute/],
  ['the root as mount path', sidecar('/'), options(), at, /cannot be \//],
  ['dots in a mount path', sidecar('/mnt/../workspace'), options(), at, /write the path out/],
  ['a double slash in a mount path', sidecar('/mnt//x'), options(), at, /write the path out/],
  ['a colon in a mount path', sidecar('/mnt:x'), options(), at, /colon/],
  ['the workspace as mount path', sidecar('/workspace'), options(), at, /overlaps \/workspace/],
  ['a mount path in the workspace', sidecar('/workspace/tools/'), options(), at, /overlaps \/workspace/],
  ['a mount path over jobhook’s own', sidecar('/run'), options(), at, /overlaps \/run\/jobhook/],
  ['a mount path in /proc', sidecar('/proc/x'), options(), at, /belongs to the system/],
  ['a mount path where the template mounts', sidecar('/mnt/cache'), mounted, at, /pod_template mounts volume c/],
  ['a mount path above one of the template', sidecar('/mnt'), mounted, at, /pod_template mounts volume c/],
  ['a mount path below a read-only one of the template', sidecar('/ro/tools'), mounted, at, /pod_template mounts volume r/],
  [
    'two sidecars at one path',
    {
      additional_sidecars: [
        { image: 'a', mount_path: '/mnt/x' },
        { image: 'b', mount_path: '/mnt/x/' },
      ],
    },
    options(),
    '/data/additional_sidecars/1/mount_path',
    /overlaps the sidecar at \/mnt\/x/,
  ],
  [
    'a sidecar within another',
    {
      additional_sidecars: [
        { image: 'a', mount_path: '/mnt/x' },
        { image: 'b', mount_path: '/mnt/x/y' },
      ],
    },
    options(),
    '/data/additional_sidecars/1/mount_path',
    /overlaps the sidecar at \/mnt\/x/,
  ],
  ['/agent twice', { sidecar_image: 'agent:9', ...sidecar('/agent') }, options(), at, /overlaps the sidecar at \/agent/],
  [
    'read_write with image volumes',
    { additional_sidecars: [{ image: 'a', mount_path: '/mnt/x', read_write: true }] },
    options({ use_image_volumes: true }),
    '/data/additional_sidecars/0/read_write',
    /use_image_volumes.*turn that setting off/,
  ],
  [
    'no command where a teardown is configured',
    { command: undefined } as never,
    options({ teardown_command: 'true' }),
    '/data/command',
    /backend\.kubernetes\.teardown_command/,
  ],
  [
    'no command where a setup is configured',
    { command: undefined } as never,
    options({ setup_command: 'true' }),
    '/data/command',
    /backend\.kubernetes\.setup_command/,
  ],
  ['oz: NUL in an agent’s argument', { additional_oz_args: ['--x\0'] }, options({}, OZ), '/data/additional_oz_args/0', /NUL/],
  [
    'oz: NUL in the agent’s settings',
    { task: { agent_config_snapshot: { model_id: 'm\0' } } },
    options({}, OZ),
    '/data/task/agent_config_snapshot/model_id',
    /NUL/,
  ],
  [
    'oz: MCP servers too long for one argument',
    { task: { agent_config_snapshot: { mcp_servers: { s: large } } } },
    options({}, OZ),
    '/data/task/agent_config_snapshot/mcp_servers',
    /as JSON is longer/,
  ],
]
for (const [title, asked, given, pointer, detail] of rows) {
  test(`refused: ${title}`, () => {
    const errors = refused(asked, given)
    assert.deepEqual(
      errors.map((error) => error.pointer),
      [pointer],
    )
    assert.match(errors[0]?.detail ?? '', detail)
    assert.doesNotMatch(JSON.stringify(errors), /secret-value|xxxx/)
  })
}

test('more secret values than a Secret holds are refused with both sizes', () => {
  const values = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`V${index}`, 'x'.repeat(131_000)]))
  assert.match(refused({ env_vars: values })[0]?.detail ?? '', /1179000 bytes.*at most 1048576/)
})

test('more annotations than Kubernetes allows are refused, naming what fills them', () => {
  const errors = refused({}, options({ extra_annotations: { big: 'x'.repeat(262_144) } }))
  assert.match(errors[0]?.detail ?? '', /backend\.kubernetes\.extra_annotations/)
})

test('all errors are told at once', () => {
  const errors = refused({ docker_image: undefined, env_vars: { 'A=B': '' }, labels: { 'x y': '' } } as never)
  assert.deepEqual(errors.map((error) => error.pointer).sort(), ['/data/docker_image', '/data/env_vars/A=B', '/data/labels/x y'])
})

test('half a surrogate pair in an unknown field harms nobody', () => {
  assert.throws(() => refused({ unknown: '\ud800' } as never), /expected a refusal/)
})
