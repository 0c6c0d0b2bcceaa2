// Errors of the configuration at start: each names the keys on both sides and the remedy.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkSettings, type JobSpecOptions } from '../../src/jobspec/index.ts'
import { createValidator } from '../../src/lib/validate.ts'
import { KubernetesBackend, LEGACY_FIELDS, OzSettings, type PodTemplate } from '../../src/model/pod-settings.ts'
import { OZ, options } from './fixtures.ts'

const template = (pod_template: PodTemplate, more: KubernetesBackend = {}) => options({ ...more, pod_template })
const task = (fields: object) => ({ containers: [{ name: 'task', ...fields }] })
const P = 'backend.kubernetes.pod_template'

const rows: [title: string, given: JobSpecOptions, ...words: string[]][] = [
  [
    'a template and image_pull_secret',
    template({}, { image_pull_secret: 'x' }),
    'backend.kubernetes.image_pull_secret',
    P,
    'imagePullSecrets',
  ],
  ['a template and service_account', template({}, { service_account: 'x' }), 'backend.kubernetes.service_account', P, 'serviceAccountName'],
  ['a template and node_selector', template({}, { node_selector: {} }), 'backend.kubernetes.node_selector', P, 'nodeSelector'],
  ['a template and tolerations', template({}, { tolerations: [] }), 'backend.kubernetes.tolerations', P, 'tolerations'],
  ['a template and resources', template({}, { resources: {} }), 'backend.kubernetes.resources', P, 'container task'],
  ['a template and env', template({}, { env: [] }), 'backend.kubernetes.env', P, 'container task'],
  ['a whole Pod instead of its spec', template({ spec: {} } as never), `${P}.spec`, 'PodSpec', 'extra_labels'],
  ['another restart policy', template({ restartPolicy: 'OnFailure' }), `${P}.restartPolicy is OnFailure`, 'Never'],
  ['a deadline of the Pod', template({ activeDeadlineSeconds: 5 }), `${P}.activeDeadlineSeconds`, 'deadlines.run'],
  ['an init container called task', template({ initContainers: [{ name: 'task' }] }), `${P}.initContainers[task]`, 'rename it'],
  ['an init container called setup', template({ initContainers: [{ name: 'setup' }] }), `${P}.initContainers[setup]`, 'rename it'],
  [
    'an init container called like a sidecar copy',
    template({ initContainers: [{ name: 'copy-sidecar-0' }] }),
    'copy-sidecar-0',
    'rename it',
  ],
  [
    'two containers of one name',
    template({ containers: [{ name: 'a' }], initContainers: [{ name: 'a' }] }),
    `${P}.initContainers[a]`,
    'twice',
  ],
  ['a volume called workspace', template({ volumes: [{ name: 'workspace' }] }), `${P}.volumes[workspace]`, 'jobhook adds itself'],
  ['a volume called like a sidecar’s', template({ volumes: [{ name: 'sidecar-3' }] }), `${P}.volumes[sidecar-3]`, 'rename it'],
  ['a volume twice', template({ volumes: [{ name: 'a' }, { name: 'a' }] }), `${P}.volumes[a]`, 'twice'],
  [
    'a mount over the workspace',
    template(task({ volumeMounts: [{ name: 'a', mountPath: '/workspace/' }] })),
    `${P}.containers[task].volumeMounts[/workspace/]`,
    'hides /workspace',
  ],
  ['a mount over what jobhook uses', template(task({ volumeMounts: [{ name: 'a', mountPath: '/run' }] })), 'hides /run/jobhook'],
  ['a mount in what jobhook uses', template(task({ volumeMounts: [{ name: 'a', mountPath: '/run/jobhook/x' }] })), 'lies in /run/jobhook'],
  [
    'two mounts at one path',
    template(
      task({
        volumeMounts: [
          { name: 'a', mountPath: '/a' },
          { name: 'b', mountPath: '/a/' },
        ],
      }),
    ),
    'twice',
  ],
  [
    'a reserved variable in the template',
    options({ pod_template: task({ env: [{ name: 'OZ_RUN_ID', value: 'x' }] }) }, OZ),
    `${P}.containers[task].env[OZ_RUN_ID]`,
    'profile oz',
  ],
  ['a variable twice in the template', template(task({ env: [{ name: 'A' }, { name: 'A' }] })), `${P}.containers[task].env[A]`, 'twice'],
  ['a bad variable name in the template', template(task({ env: [{ name: 'A=B' }] })), `${P}.containers[task].env[A=B]`, 'rename it'],
  [
    'a command in the template of the profile oz',
    options({ pod_template: task({ command: ['x'] }) }, OZ),
    `${P}.containers[task].command`,
    'profile: generic',
  ],
  [
    'a mount over the agent with the profile oz',
    options({ pod_template: task({ volumeMounts: [{ name: 'a', mountPath: '/agent' }] }) }, OZ),
    'hides /agent',
  ],
  [
    'two preStop hooks',
    template(task({ lifecycle: { preStop: {} } }), { teardown_command: 'x' }),
    `${P}.containers[task].lifecycle.preStop`,
    'backend.kubernetes.teardown_command',
  ],
  ['a task’s container that restarts', template(task({ restartPolicy: 'Always' })), `${P}.containers[task].restartPolicy`, 'runs once'],
  [
    'a teardown without time',
    template({ terminationGracePeriodSeconds: 1 }, { teardown_command: 'x' }),
    'backend.kubernetes.teardown_command',
    `${P}.terminationGracePeriodSeconds`,
  ],
  [
    'a reserved variable in env',
    options({ env: [{ name: 'OZ_WORKSPACE_ROOT', value: 'x' }] }, OZ),
    'backend.kubernetes.env[OZ_WORKSPACE_ROOT]',
    'profile oz',
  ],
  [
    'the environment file’s variable in env',
    options({ env: [{ name: 'JOBHOOK_ENVIRONMENT_FILE', value: 'x' }], setup_command: 'x' }),
    'JOBHOOK_ENVIRONMENT_FILE',
    'remove it',
  ],
  [
    'a variable twice in env',
    options({
      env: [
        { name: 'A', value: '1' },
        { name: 'A', value: '2' },
      ],
    }),
    'backend.kubernetes.env[A]',
    'twice',
  ],
  ['a bad variable name in env', options({ env: [{ name: 'Ä', value: '1' }] }), 'backend.kubernetes.env[Ä]', 'rename it'],
  [
    'a variable to take over that is not there',
    options({ env: [{ name: 'GONE' }] }),
    'backend.kubernetes.env[GONE]',
    'own environment has no GONE',
  ],
  [
    'one of our labels',
    options({ extra_labels: { 'jobhook.dev/task': 'x' } }),
    'backend.kubernetes.extra_labels[jobhook.dev/task]',
    'choose another name',
  ],
  [
    'a label of assignments',
    options({ extra_labels: { 'labels.jobhook.dev/a': 'x' } }),
    'extra_labels[labels.jobhook.dev/a]',
    'choose another name',
  ],
  ['a bad label name', options({ extra_labels: { 'A_b/c d': 'x' } }), 'not a label name'],
  ['a bad label value', options({ extra_labels: { a: '-' } }), 'extra_labels[a]', 'value that a label cannot have'],
  [
    'one of our annotations',
    options({ extra_annotations: { 'jobhook.dev/verdict': 'x' } }),
    'backend.kubernetes.extra_annotations[jobhook.dev/verdict]',
    'choose another prefix',
  ],
  ['a bad annotation name', options({ extra_annotations: { 'a/b/c': 'x' } }), 'not an annotation name'],
  ['a harness that is no folder name', options({ coding_cli_sidecars: { 'a/b': 'i' } }), 'backend.kubernetes.coding_cli_sidecars[a/b]'],
  ['a workspace limit that is no quantity', options({ workspace_size_limit: '10 GB' }), 'backend.kubernetes.workspace_size_limit', '10Gi'],
  ['a resource that is no quantity', options({ resources: { limits: { cpu: 'two' } } }), 'backend.kubernetes.resources.limits.cpu', '500m'],
  ['kueue without a queue', options({}, { overflow: 'kueue' }), 'limits.kueue_queue', 'limits.overflow is kueue'],
  ['a queue without kueue', options({}, { overflow: 'queue', kueueQueue: 'q' }), 'limits.kueue_queue', 'limits.overflow is queue'],
  ['a queue of no name', options({}, { overflow: 'kueue', kueueQueue: 'a b' }), 'limits.kueue_queue'],
]
for (const [title, given, ...words] of rows) {
  test(`configuration error: ${title}`, () => {
    const errors = checkSettings(given).map(({ key, detail }) => `${key} ${detail}`)
    assert.equal(errors.length, 1, errors.join('\n'))
    for (const word of words) assert.ok(errors[0]?.includes(word), `“${errors[0]}” should name ${word}`)
  })
}

test('ordinary settings have no errors', () => {
  assert.deepEqual(checkSettings(options()), [])
  assert.deepEqual(checkSettings(options({}, { overflow: 'kueue', kueueQueue: 'agents' })), [])
  for (const limit of ['10Gi', 5, '0.5', '1e3', '100M']) assert.deepEqual(checkSettings(options({ workspace_size_limit: limit })), [])
})

const check = createValidator(KubernetesBackend)

test('every key of the seed system is accepted as it is', () => {
  const all = {
    namespace: 'agents',
    kubeconfig: '/k',
    default_image: 'a:1',
    image_pull_policy: 'Always',
    use_image_volumes: true,
    preflight_image: 'busybox:1.36',
    preflight_resources: { requests: { cpu: '100m' } },
    sidecar_image: 'a',
    setup_command: 'x',
    teardown_command: 'x',
    extra_labels: { a: 'b' },
    extra_annotations: { a: 'b' },
    active_deadline_seconds: 60,
    ttl_seconds_after_finished: 0,
    workspace_size_limit: '10Gi',
    unschedulable_timeout: '2m',
    coding_cli_sidecars: { claude: 'i' },
    pod_template: { containers: [{ name: 'task', resources: { limits: { cpu: 2 } }, anything: { else: [1] } }], nodeSelector: { a: 'b' } },
    image_pull_secret: 's',
    service_account: 's',
    node_selector: { a: 'b' },
    tolerations: [{ key: 'a', operator: 'Exists', toleration_seconds: 5 }],
    resources: { limits: { cpu: '1' } },
    env: [{ name: 'A', value: 'b' }, { name: 'C' }],
  }
  assert.deepEqual(check(all), { ok: true, value: all })
  assert.deepEqual(Object.keys(all).sort(), Object.keys(KubernetesBackend.properties).sort(), 'and no other key is')
})

const wrong: [value: object, pointer: string][] = [
  [{ nodeSelector: {} }, '/nodeSelector'],
  [{ image_pull_policy: 'Sometimes' }, '/image_pull_policy'],
  [{ default_image: 'a b' }, '/default_image'],
  [{ unschedulable_timeout: '2 minutes' }, '/unschedulable_timeout'],
  [{ pod_template: 'containers: []' }, '/pod_template'],
  [{ pod_template: { containers: [{ image: 'x' }] } }, '/pod_template/containers/0/name'],
  [{ env: { A: 'b' } }, '/env'],
  [{ tolerations: [{ operator: 'Is' }] }, '/tolerations/0/operator'],
]
for (const [value, pointer] of wrong) {
  test(`the schema refuses ${JSON.stringify(value)}`, () => {
    const checked = check(value)
    assert.equal(checked.ok, false)
    if (!checked.ok)
      assert.ok(
        checked.errors.some((error) => error.pointer === pointer),
        JSON.stringify(checked.errors),
      )
  })
}

test('every setting is described', () => {
  for (const schema of [KubernetesBackend, OzSettings]) {
    for (const [name, member] of Object.entries(schema.properties)) assert.ok(member.description, `${name} has a description`)
  }
  for (const field of LEGACY_FIELDS) assert.match(KubernetesBackend.properties[field].description ?? '', /^Legacy/)
})
