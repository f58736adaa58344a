/**
 * What Helm and Kustomize make of the files, judged against the published schemas of Kubernetes' objects. Each test says
 * what it misses: helm, kubectl and kubeconform on the PATH or in ENGINES_HOME/bin, schemas in ENGINES_HOME/k8s-schemas.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { enginesHome, installed, withoutProgram } from '../../system/test/engines/engine.ts'
import { wantedFiles } from '../../tools/kubernetes.ts'

const folder = import.meta.dirname
const chart = join(folder, 'chart')
const schemas = join(enginesHome(), 'k8s-schemas')
const withoutSchemas =
  withoutProgram('kubeconform') || (!existsSync(schemas) && `no schemas in ${schemas} (docs/kubernetes.md says how)`)

const helm = (...args: string[]): string =>
  run('helm', ['template', 'svyaz', chart, '--kube-version', '1.36.0', ...args])
const kustomize = (path: string): string => run('kubectl', ['kustomize', join(folder, path)])

function run(program: string, args: readonly string[], input?: string): string {
  return execFileSync(installed(program) ?? program, args, { encoding: 'utf8', input, maxBuffer: 32 * 1024 * 1024 })
}

/** Documents of a stream by kind and name, as text without comments and without what only Helm adds. */
function documents(text: string): Map<string, string> {
  const own = text
    .replace(/^ +annotations:\n(?: +(?:helm\.sh\/|checksum\/)[^\n]*\n)+/gm, '')
    .replace(/^#.*\n/gm, '')
    .split(/^---\n/m)
    .map((document) => document.trim())
    .filter((document) => document !== '')
  return new Map(
    own.map((document) => {
      const kind = /^kind: (\w+)$/m.exec(document)?.[1]
      const name = /^ {2}name: (\S+)$/m.exec(document)?.[1]
      return [`${kind}/${name}`, document]
    }),
  )
}

/**
 * kubeconform reads schemas that stand for themselves; these share their definitions. So each kind's gets a copy of them.
 * @returns a temporary folder
 */
function standaloneSchemas(): string {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-schemas-'))
  const { $defs } = JSON.parse(readFileSync(join(schemas, '_definitions.json'), 'utf8')) as { $defs: object }
  const definitions = JSON.stringify($defs)
  const kinds =
    /^(?:configmap|deployment|horizontalpodautoscaler|ingress|job|namespace|networkpolicy|poddisruptionbudget|service|serviceaccount|statefulset)-(?:[a-z]+-)?v\d+\.json$/
  for (const file of readdirSync(schemas).filter((name) => kinds.test(name))) {
    const { $id, ...schema } = JSON.parse(readFileSync(join(schemas, file), 'utf8')) as { $id?: string }
    const own = JSON.stringify(schema).replaceAll(/"[^"]*_definitions\.json#/g, '"#')
    writeFileSync(join(folder, file), `${own.slice(0, -1)},"$defs":${definitions}}`)
  }
  return folder
}

function judge(text: string, folder: string): void {
  const location = `${folder}/{{.ResourceKind}}{{.KindSuffix}}.json`
  const { status, stdout } = spawnSync(
    installed('kubeconform') ?? 'kubeconform',
    ['-strict', '-summary', '-schema-location', location],
    { input: text, encoding: 'utf8' },
  )
  assert.equal(status, 0, stdout)
  assert.match(stdout, /Valid: [1-9]\d*, Invalid: 0, Errors: 0, Skipped: 0/)
}

describe('the chart', { skip: withoutProgram('helm') }, () => {
  test('with its own values Helm prints the base of Kustomize', () => {
    const plain = [...wantedFiles()].filter(([path]) => /^base\/(?!kustomization)/.test(path)).map(([, text]) => text)
    const wanted = documents(plain.join(''))
    const made = documents(helm())
    assert.deepEqual([...made.keys()].sort(), [...wanted.keys()].sort())
    for (const [name, text] of wanted) assert.equal(made.get(name), text, name)
  })

  test('lint has nothing to say', () => {
    assert.match(run('helm', ['lint', '--strict', chart]), /0 chart\(s\) failed/)
  })

  test('jobs are hooks that come first', () => {
    const text = helm()
    assert.equal([...text.matchAll(/"?helm\.sh\/hook"?: "?pre-install,pre-upgrade/g)].length, 6)
  })

  test('a replica count is there when nothing scales the workload, and only then', () => {
    const payments = (...args: string[]) => documents(helm(...args)).get('StatefulSet/payments') ?? ''
    assert.doesNotMatch(payments(), /replicas:/)
    assert.match(
      payments('--set', 'autoscaling.enabled=false', '--set', 'processes.payments.replicas=4'),
      /^ {2}replicas: 4$/m,
    )
  })

  test('what is switched off is gone; the ways in come when asked for', () => {
    const off = documents(
      helm('--set', 'networkPolicies.enabled=false,autoscaling.enabled=false,jobs.enabled=false,ingress.enabled=true'),
    )
    const kinds = new Set([...off.keys()].map((key) => key.split('/')[0]))
    assert.deepEqual([...kinds].sort(), [
      'ConfigMap',
      'Deployment',
      'Ingress',
      'PodDisruptionBudget',
      'Service',
      'ServiceAccount',
      'StatefulSet',
    ])
  })

  test('another engine address starts the Pods again', () => {
    const sum = (...args: string[]) => /checksum\/settings: "?(\w{64})/.exec(helm(...args))?.[1]
    assert.ok(sum())
    assert.notEqual(sum(), sum('--set', 'engines.kafka=other:9092'))
  })

  for (const carrier of ['kafka', 'rabbitmq'])
    test(`where ${carrier} carries the events, the console reads that where the services do`, () => {
      const made = documents(helm('--set', `messages=${carrier}`))
      assert.match(made.get('ConfigMap/engines') ?? '', new RegExp(`^ {2}SVYAZ_MESSAGES: "?${carrier}"?$`, 'm'))
      assert.match(
        made.get('Deployment/console') ?? '',
        /- name: "?SVYAZ_MESSAGES"?\n +valueFrom:\n +configMapKeyRef:\n +name: "?engines"?\n +key: "?SVYAZ_MESSAGES"?\n/,
      )
    })

  for (const [what, setting] of [
    ['an unknown value', 'engine.kafka=a:1'],
    ['an unknown process', 'processes.user.replicas=2'],
    ['an address without a port', 'engines.kafka=kafka'],
    ['a replica count that is a word', 'processes.users.replicas=two'],
    ['a log level that is none', 'logLevel=loud'],
    ['a quantity of memory in no unit', 'processes.users.memory.limit=1GB'],
  ] as const)
    test(`${what} is refused`, () => {
      assert.throws(() => helm('--set', setting), /values don't meet the specifications of the schema/)
    })
})

describe('against the schemas, strictly', { skip: withoutSchemas }, () => {
  let folder = ''
  before(() => {
    folder = standaloneSchemas()
  })
  after(() => rmSync(folder, { recursive: true, force: true }))

  test('the chart', { skip: withoutProgram('helm') }, () => {
    judge(helm(), folder)
    judge(helm('--set', 'ingress.enabled=true,autoscaling.enabled=false,image.pullSecret=registry'), folder)
  })
  for (const path of ['base', 'overlays/dev', 'overlays/production'])
    test(path, { skip: withoutProgram('kubectl') }, () => judge(kustomize(path), folder))

  test('a field that Kubernetes does not know is found', { skip: withoutProgram('kubectl') }, () => {
    assert.throws(() => judge(kustomize('base').replaceAll('serviceName:', 'serviceNames:'), folder), /serviceNames/)
  })
})

describe('overlays', { skip: withoutProgram('kubectl') }, () => {
  const count = (text: string, kind: string) => [...text.matchAll(new RegExp(`^kind: ${kind}$`, 'gm'))].length

  test('dev has one of everything and nothing that scales', () => {
    const text = kustomize('overlays/dev')
    assert.equal(count(text, 'HorizontalPodAutoscaler'), 0)
    assert.equal(count(text, 'PodDisruptionBudget'), 0)
    assert.doesNotMatch(text, /replicas: [2-9]/)
    assert.match(text, /pod-security.kubernetes.io\/enforce: restricted/)
  })

  test('production has two of what can be two, and scales', () => {
    const text = kustomize('overlays/production')
    assert.equal([...text.matchAll(/^ {2}replicas: 2$/gm)].length, 5)
    assert.equal(count(text, 'HorizontalPodAutoscaler'), 2)
    assert.equal(count(text, 'Ingress'), 1)
  })

  test('no address of the base is left', () => {
    for (const path of ['overlays/dev', 'overlays/production'])
      assert.doesNotMatch(kustomize(path), /(?:KAFKA_BROKERS|value): "?(?:kafka|postgres):\d+/)
  })
})
