/**
 * The chart on a real API server, the one that SVYAZ_TEST_KUBECONFIG names, in a namespace of its own. On a server without
 * nodes (no kubelet, no controllers) jobs can't end and Pods can't get ready: then hooks and readiness are left out, and
 * what remains is what the server itself decides: validation, defaults, admission, Pod Security, what Helm made of it.
 */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { installed, withoutProgram } from '../../system/test/engines/engine.ts'
import { containerized } from '../image/entries.ts'

const kubeconfig = process.env.SVYAZ_TEST_KUBECONFIG
const missing =
  kubeconfig === undefined
    ? 'no cluster: SVYAZ_TEST_KUBECONFIG names none (docs/kubernetes.md)'
    : withoutProgram('helm', 'kubectl')
const namespace = `svyaz-test-${randomBytes(4).toString('hex')}`
const chart = join(import.meta.dirname, 'chart')

function run(program: string, args: readonly string[], input?: string): string {
  return execFileSync(installed(program) ?? program, args, {
    encoding: 'utf8',
    env: { ...process.env, KUBECONFIG: kubeconfig },
    maxBuffer: 32 * 1024 * 1024,
    ...(input === undefined ? {} : { input }),
  })
}

const kubectl = (args: readonly string[], input?: string) => run('kubectl', ['--namespace', namespace, ...args], input)
const json = (...args: string[]): unknown => JSON.parse(kubectl(['get', '--output', 'json', ...args]))
const replicasOf = (name: string) => (json('statefulset', name) as { spec: { replicas: number } }).spec.replicas

interface Workload {
  readonly metadata: { readonly name: string }
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } }
}

describe('the chart on an API server', { skip: missing }, () => {
  let patience: string[] = []
  const helm = (action: string, ...args: string[]) =>
    run('helm', [action, 'svyaz', ...args, '--namespace', namespace, ...patience])

  before(() => {
    run('kubectl', ['create', 'namespace', namespace])
    const level = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`)
    run('kubectl', ['label', 'namespace', namespace, ...level])
    for (const { name } of containerized)
      kubectl(['create', 'secret', 'generic', `svyaz-${name}`, '--from-literal=environment='])
    kubectl(['create', 'secret', 'generic', 'svyaz-databases', '--from-literal=passwords.json={}'])
    const nodes = (JSON.parse(run('kubectl', ['get', 'nodes', '--output', 'json'])) as { items: unknown[] }).items
    patience = nodes.length > 0 ? ['--wait', '--timeout', '5m'] : ['--no-hooks']
  })
  after(() => {
    run('kubectl', ['delete', 'namespace', namespace, '--wait=false'])
  })

  for (const overlay of ['dev', 'production'])
    test(`the server takes every object of the overlay ${overlay}, jobs too, without a word`, () => {
      const text = run('kubectl', ['kustomize', join(import.meta.dirname, 'overlays', overlay)])
      const here = text.replaceAll(/^( +namespace: )svyaz(?:-dev)?$/gm, `$1${namespace}`)
      const { status, stdout, stderr } = spawnSync(
        installed('kubectl') ?? 'kubectl',
        ['apply', '--server-side', '--dry-run=server', '--filename', '-'],
        { encoding: 'utf8', env: { ...process.env, KUBECONFIG: kubeconfig }, input: here },
      )
      assert.equal(status, 0, stderr)
      assert.doesNotMatch(stderr, /Warning/)
      assert.match(stdout, /^job.batch\/databases serverside-applied \(server dry run\)$/m)
    })

  test('installs, and everything that it says is there', () => {
    helm('install', chart)
    const kinds = ['statefulset,deployment', 'service', 'serviceaccount', 'poddisruptionbudget', 'networkpolicy']
    for (const kind of kinds) {
      const names = (json(kind) as { items: Workload[] }).items.map(({ metadata }) => metadata.name)
      assert.deepEqual(
        containerized.map(({ name }) => name).filter((name) => !names.includes(name)),
        [],
        kind,
      )
    }
  })

  test('Pod Security "restricted" admits a Pod of each workload, and refuses one with a right more', () => {
    const { items } = json('statefulset,deployment') as { items: Workload[] }
    const admit = (name: string, spec: object) =>
      kubectl(
        ['create', '--dry-run=server', '--filename', '-'],
        JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }),
      )
    for (const { metadata, spec } of items) {
      // A StatefulSet fills in the claim of its volume.
      const volumes = [
        { name: 'data', emptyDir: {} },
        ...((spec.template.spec as { volumes?: object[] }).volumes ?? []),
      ]
      assert.match(admit(metadata.name, { ...spec.template.spec, volumes }), /created \(server dry run\)/)
    }
    const open = { ...items[0]?.spec.template.spec, hostNetwork: true }
    assert.throws(() => admit('open', open), /violates PodSecurity "restricted/)
  })

  test('an upgrade changes what it names, a rollback takes it back', () => {
    helm('upgrade', chart, '--reuse-values', '--set', 'processes.orders.replicas=3,engines.kafka=other:9092')
    assert.equal(replicasOf('orders'), 3)
    const brokers = () => (json('configmap', 'engines') as { data: Record<string, string> }).data.SVYAZ_KAFKA_BROKERS
    assert.equal(brokers(), 'other:9092')
    helm('rollback', '1')
    assert.equal(replicasOf('orders'), 1)
    assert.equal(brokers(), 'kafka:9092')
  })

  test('what a scaler did to the gateway an upgrade leaves alone', () => {
    kubectl(['scale', 'statefulset', 'gateway', '--replicas', '4'])
    helm('upgrade', chart, '--reuse-values', '--set', 'logLevel=debug')
    assert.equal(replicasOf('gateway'), 4)
  })

  test('uninstalled, nothing is left but what was made outside', () => {
    run('helm', ['uninstall', 'svyaz', '--namespace', namespace])
    const { items } = json(
      'statefulset,deployment,service,networkpolicy,configmap',
      '--selector',
      'app.kubernetes.io/part-of=svyaz',
    ) as { items: Workload[] }
    assert.deepEqual(
      items.map(({ metadata }) => metadata.name),
      [],
    )
    assert.ok((json('secret') as { items: unknown[] }).items.length > containerized.length)
  })
})
