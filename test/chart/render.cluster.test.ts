// What the chart renders: with ten sets of values, by Helm 3 and 4, held against the schemas and a dry run of a real API server; and what it refuses.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parse } from 'yaml'
import { loadCheckedConfig } from '../../src/index.ts'
import { builtTool } from '../cluster/harness/build.ts'
import { writeSchemas } from './schemas.ts'
import {
  CHART,
  createSpace,
  helm,
  isMonitoring,
  type KubeManifest,
  noCluster,
  pathOf,
  ROOT,
  render,
  renderText,
  type Space,
  valueSets,
} from './support.ts'

const minimal = valueSets[0]?.path ?? ''
const howTos = globSync('docs/how-to/*.md', { cwd: ROOT })
  .sort()
  .map((path) => ({ path, values: /```yaml\n(# values\.yaml.*?)```/s.exec(readFileSync(join(ROOT, path), 'utf8'))?.[1] ?? null }))
  .filter(({ values }) => values !== null)

describe('the chart', { skip: noCluster }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'jobhook-chart-'))
  let space: Space
  let tasks: Space

  before(async () => {
    space = await createSpace({ 'pod-security.kubernetes.io/enforce': 'restricted' })
    tasks = await createSpace()
    const kinds = valueSets
      .flatMap(({ path }) => render({ values: [path] }).filter((object) => !isMonitoring(object)))
      .map(({ kind }) => kind)
    await writeSchemas(space.api, folder, new Set(kinds))
  })
  after(async () => {
    rmSync(folder, { recursive: true, force: true })
    await space.remove()
    await tasks.remove()
  })

  test('passes lint --strict as it is, by Helm 3 and 4', () => {
    for (const tool of ['helm', 'helm3'] as const) {
      const { status, output } = helm(tool, 'lint', '--strict', CHART)
      assert.equal(status, 0, output)
    }
  })

  test('there are ten sets of values', () => assert.equal(valueSets.length, 10))

  for (const { name, path } of valueSets) {
    test(`values ${name}: lint, both Helms alike, kubeconform -strict, dry run in a restricted namespace`, async () => {
      for (const tool of ['helm', 'helm3'] as const) {
        const { status, output } = helm(tool, 'lint', '--strict', CHART, '-f', path)
        assert.equal(status, 0, output)
      }
      const set = name.includes('other-namespace') ? [`config.backend.kubernetes.namespace=${tasks.name}`] : []
      const text = renderText({ values: [path], namespace: space.name, set })
      const bySource = (rendered: string): string[] =>
        rendered
          .split(/^---\n/m)
          .map((part) => part.trim())
          .sort()
      assert.deepEqual(bySource(renderText({ values: [path], namespace: space.name, set, tool: 'helm3' })), bySource(text))

      const conform = spawnSync(
        builtTool('kubeconform') ?? '',
        [
          '-strict',
          '-summary',
          '-skip',
          'ServiceMonitor,PodMonitor,PrometheusRule',
          '-schema-location',
          `${folder}/{{ .ResourceKind }}{{ .KindSuffix }}.json`,
        ],
        { input: text, encoding: 'utf8' },
      )
      assert.equal(conform.status, 0, conform.stdout + conform.stderr)

      await dryRun(render({ values: [path], namespace: space.name, set }))
    })

    test(`values ${name}: jobhook accepts the configuration that is rendered`, () => {
      const config = render({ values: [path] }).find((object) => object.kind === 'ConfigMap' && object.data['config.yaml'])
      // Keys as the volumes would give them: not there, so each reference becomes a key.
      const content = parse(config?.data['config.yaml'].replaceAll(/(?:file|env): .*/g, 'env: KEY'))
      const loaded = loadCheckedConfig({ file: null, content, env: { KEY: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' } })
      assert.ok(loaded.ok, JSON.stringify(loaded))
      assert.match(loaded.config.listen, /^(0\.0\.0\.0:8080|\[::\]:9090)$/)
    })
  }

  assert.ok(howTos.length >= 7)
  for (const { path, values } of howTos) {
    test(`${path}: its values pass lint and a dry run in a restricted namespace`, async () => {
      const file = join(folder, 'how-to.yaml')
      writeFileSync(file, values ?? '')
      const { status, output } = helm('helm', 'lint', '--strict', CHART, '-f', file)
      assert.equal(status, 0, output)
      await dryRun(render({ values: [file], namespace: space.name }))
    })
  }

  async function dryRun(objects: KubeManifest[]): Promise<void> {
    for (const object of objects) {
      if (isMonitoring(object)) continue
      const answer = await space.api.request('POST', `${pathOf(object, space.name)}?dryRun=All&fieldValidation=Strict`, object)
      // The account is one's own here, or not there yet: only a Pod that is created at once asks for it.
      const accountMissing = object.kind === 'Pod' && /serviceaccount .* not found/.test(answer.text)
      assert.ok(answer.status === 201 || accountMissing, `${object.kind} ${object.metadata.name}: ${answer.text}`)
      assert.doesNotMatch(answer.text, /would violate PodSecurity/)
    }
  }

  const refused: [what: string, args: string[], says: RegExp][] = [
    ['an image without tag or digest', ['--set', 'image.tag='], /image\.tag or image\.digest is required/],
    ['no worker_id', ['--set', 'config.worker_id='], /worker_id/],
    ['a key of the configuration that does not exist', ['--set', 'config.workr_id=w'], /workr_id/],
    ['a value of the chart that does not exist', ['--set', 'replica=3'], /replica/],
    ['a duration that is none', ['--set', 'config.deadlines.drain_delay=soon'], /drain_delay/],
    ['no way in', ['--set-json', 'config.webhook.secrets=[]'], /no way in/],
    ['the embedded cluster', ['--set', 'config.cluster=embedded'], /embedded/],
    ['a key file without a Secret', ['--set', 'existingSecret='], /secrets\.webhook.*existingSecret/],
    ['an account that is not named', ['--set', 'serviceAccount.create=false'], /serviceAccount\.name is required/],
  ]
  for (const [what, args, says] of refused) {
    test(`refuses ${what}, and says so`, () => {
      const { status, output } = helm('helm', 'template', 'hooks', CHART, '-f', minimal, ...args)
      assert.equal(status, 1)
      assert.match(output, says)
    })
  }

  test('a changed configuration restarts the replicas, and an unchanged one does not', () => {
    const checksum = (set: string[]) =>
      render({ values: [minimal], set }).find(({ kind }) => kind === 'Deployment')?.spec.template.metadata.annotations['checksum/config']
    assert.equal(checksum([]), checksum(['replicas=5']))
    assert.notEqual(checksum([]), checksum(['config.deadlines.drain_delay=7s']))
  })

  test('two releases in one namespace have no object of the same name and select different Pods', () => {
    const objects = ['a', 'b'].map((release) => render({ values: [minimal], release, set: [`config.worker_id=${release}`] }))
    const names = objects.map((list) => list.map(({ kind, metadata }) => `${kind} ${metadata.name}`))
    assert.deepEqual(
      names[0]?.filter((name) => names[1]?.includes(name)),
      [],
    )
    const selectors = objects.map((list) => JSON.stringify(list.find(({ kind }) => kind === 'Service')?.spec.selector))
    assert.notEqual(selectors[0], selectors[1])
  })

  test('no object of the chart bears a label that jobhook selects its tasks by', () => {
    for (const { path } of valueSets)
      for (const object of render({ values: [path] })) {
        const labels = { ...object.metadata.labels, ...object.spec?.template?.metadata?.labels }
        assert.notEqual(labels['app.kubernetes.io/managed-by'], 'jobhook')
        assert.equal(labels['jobhook.dev/worker'], undefined)
      }
  })

  test('with a certificate of its own the probes and monitors speak HTTPS, else HTTP', () => {
    const set = ['config.tls.cert_file=/etc/jobhook/secrets/tls.crt', 'config.tls.key_file=/etc/jobhook/secrets/tls.key']
    const monitoring = valueSets.find(({ name }) => name.includes('monitoring'))?.path ?? ''
    const secured = renderText({ values: [monitoring], set })
    assert.equal(secured.match(/scheme: HTTPS/g)?.length, 3)
    assert.equal(secured.match(/scheme: https/g)?.length, 2)
    const plain = renderText({ values: [monitoring] })
    assert.equal(plain.match(/scheme: HTTP /g)?.length, 3)
    assert.doesNotMatch(plain, /scheme: https/)
  })

  test('the Role holds nothing outside a namespace, no wildcard, and no list of Secrets where sweeping is off', () => {
    for (const set of [[], ['config.sweep_secrets=false']]) {
      const objects = render({ values: [minimal], set })
      assert.ok(!objects.some(({ kind }) => kind.startsWith('Cluster')))
      const rules = objects.find(({ kind }) => kind === 'Role')?.rules as { resources: string[]; verbs: string[] }[]
      assert.ok(!JSON.stringify(rules).includes('*'))
      const secrets = rules.find(({ resources }) => resources.includes('secrets'))?.verbs
      assert.equal(secrets?.includes('list'), set.length === 0)
    }
  })
})
