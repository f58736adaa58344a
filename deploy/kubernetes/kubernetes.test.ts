import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { drift, wantedFiles } from '../../tools/kubernetes.ts'
import { containerized } from '../image/entries.ts'
import { readers } from '../jobs/readers.ts'
import { type Call, policyOf, portCalls } from './network.ts'
import { defaults, meanings, scaledByLoad } from './values.ts'
import { autoscalerOf, documentsOf } from './workloads.ts'
import { type Fields, writeYaml } from './yaml.ts'

const files = wantedFiles()
const base = (name: string) => files.get(`base/${name}.yaml`) ?? ''
const named = (name: string) => containerized.find((process) => process.name === name)!
const policy = (name: string, calls: readonly Call[]) => writeYaml(policyOf(named(name), portCalls(calls)), 'plain')

test('chart and base say what topology and calls say', () => {
  assert.deepEqual(drift(), [], 'run: npm run kubernetes')
})

describe('each process', () => {
  for (const process of containerized) {
    const { name } = process
    test(`${name} is probed where it says that it is ready, has bounds, and no rights`, () => {
      const text = base(name)
      const port = process.ready.kind === 'http' ? process.ready.port : ''
      assert.match(text, new RegExp(`readinessProbe:\n +httpGet:\n +path: /health/ready\n +port: ${port}\n`))
      assert.match(text, new RegExp(`livenessProbe:\n +httpGet:\n +path: /health/live\n +port: ${port}\n`))
      assert.match(text, new RegExp(`requests:\n +cpu: "100m"\n +memory: "${process.memoryBudgetMb}Mi"\n`))
      assert.match(text, /runAsNonRoot: true[\s\S]*allowPrivilegeEscalation: false[\s\S]*readOnlyRootFilesystem: true/)
      assert.match(text, /drop:\n +- ALL\n/)
      assert.match(text, /kind: PodDisruptionBudget[\s\S]*kind: NetworkPolicy/)
      assert.doesNotMatch(text, /hostNetwork|hostPath|privileged: true/)
    })
  }

  test('a service keeps its name across restarts, and the console needs none', () => {
    const kinds = containerized.map(({ name }) => [name, /^kind: (StatefulSet|Deployment)$/m.exec(base(name))?.[1]])
    assert.deepEqual(
      kinds.filter(([, kind]) => kind !== 'StatefulSet'),
      [['console', 'Deployment']],
    )
  })

  test('nothing secret is in a file, and each Secret has a reader that the job makes it for', () => {
    const all = [...files.values()].join('\n')
    assert.doesNotMatch(all, /SVYAZ_SEED_ADMIN|admin-svyaz|password/i)
    const secrets = [...all.matchAll(/secretName: "svyaz-([\w-]+)"/g)].map(([, name = '']) => name)
    assert.deepEqual(
      [...new Set(secrets)].filter((name) => !readers.some((reader) => reader.name === name)),
      [],
    )
  })

  test('the commands of both pages make a folder for each reader, and a Secret for those that the chart names', () => {
    for (const page of ['docs/kubernetes.md', 'docs/ru/kubernetes.md']) {
      const text = readFileSync(join(import.meta.dirname, '../..', page), 'utf8')
      const secrets = (/^readers="(.*)"$/m.exec(text)?.[1] ?? '').split(' ')
      const others = [...(/^mkdir -p (secrets\/issued .*)$/m.exec(text)?.[1] ?? '').matchAll(/secrets\/([\w-]+)/g)]
      const folders = [...secrets, ...others.map(([, name = '']) => name)]
      assert.deepEqual(folders.sort(), ['issued', ...readers.map(({ name }) => name)].sort(), page)
      const named = [...[...files.values()].join('').matchAll(/secretName: "svyaz-([\w-]+)"/g)].map(([, name]) => name)
      assert.deepEqual(secrets.sort(), [...new Set(named)].sort(), page)
    }
  })

  test('gateway and payment workers follow their load, up to the partitions of their queue', () => {
    assert.deepEqual(containerized.flatMap((process) => (autoscalerOf(process) ? [process.name] : [])).sort(), [
      'gateway',
      'payments',
    ])
    assert.equal(scaledByLoad.payments?.max, 6)
    for (const name of Object.keys(scaledByLoad)) assert.doesNotMatch(base(name), /^ {2}replicas:/m)
  })

  test('the edge gives balancers time to look away before it drains', () => {
    assert.match(base('gateway'), /terminationGracePeriodSeconds: 20[\s\S]*preStop:\n +sleep:\n +seconds: 5\n/)
    assert.doesNotMatch(base('orders'), /preStop/)
  })
})

describe('who may call whom', () => {
  const from = (caller: string) =>
    new RegExp(`- from:\n +- podSelector:\n +matchLabels:\n +app.kubernetes.io/name: ${caller}\n`)

  test('a call opens one port, on both sides', () => {
    const calls: Call[] = [{ from: 'orders', to: 'payments', protocol: 'gRPC' }]
    assert.match(
      policy('payments', calls),
      new RegExp(`${from('orders').source}.*\n +ports:\n +- protocol: TCP\n +port: 9090\n`),
    )
    assert.match(
      policy('orders', calls),
      /- to:\n(?:.*\n)*?.*name: payments\n.*\n +ports:\n +- protocol: TCP\n +port: 9090\n/,
    )
    assert.doesNotMatch(policy('payments', []), from('orders'))
  })

  test('two protocols between the same two open two ports', () => {
    const text = policy('orders', [
      { from: 'gateway', to: 'orders', protocol: 'HTTP' },
      { from: 'gateway', to: 'orders', protocol: 'gRPC' },
    ])
    assert.match(text, /port: 9090\n +- protocol: TCP\n +port: 8080\n/)
  })

  test('mails are sent by notifications alone and read by the console alone, and the relay is not asked by orders', () => {
    const callers = base('mail-sink').matchAll(/- from:\n +- podSelector:[\s\S]*?name: (\S+)[\s\S]*?port: (\d+)/g)
    assert.deepEqual(
      [...callers].map(([, name, port]) => [name, port]),
      [
        ['console', '8080'],
        ['notifications', '1025'],
      ],
    )
    assert.doesNotMatch(base('mc1'), from('orders'))
  })

  test('only the edge is open to the outside, and only to the ingress controller', () => {
    const open = containerized.flatMap(({ name }) => (base(name).includes('"ingress-nginx"') ? [name] : []))
    assert.deepEqual(open.sort(), ['console', 'gateway'])
  })

  test('only who has a database reaches PostgreSQL, only orders MongoDB, only the gateway Redis', () => {
    const reaching = (port: number) =>
      containerized.flatMap(({ name }) => (base(name).includes(`port: ${port}\n`) ? [name] : []))
    assert.deepEqual(
      reaching(5432).sort(),
      containerized
        .filter(({ database }) => database)
        .map(({ name }) => name)
        .sort(),
    )
    assert.deepEqual(reaching(27_017), ['orders'])
    assert.deepEqual(reaching(6379), ['gateway'])
  })
})

describe('values', () => {
  test('each has its meaning, and a process its bounds', () => {
    assert.deepEqual(Object.keys(meanings).sort(), Object.keys(defaults).sort())
    assert.deepEqual(
      Object.keys(defaults.processes),
      containerized.map(({ name }) => name),
    )
  })

  test('a session of the relay loop is that of config/relay.yaml', () => {
    const text = readFileSync(join(import.meta.dirname, '../../config/relay.yaml'), 'utf8')
    const set = [...text.matchAll(/^(\w+): (\d+)$/gm)].map(([, name = '', value]) => [name, Number(value)])
    assert.deepEqual(Object.fromEntries(set), defaults.relay)
  })

  test('every value is used by a template', () => {
    const templates = [...files].filter(([path]) => path.startsWith('chart/templates/')).map(([, text]) => text)
    const all = templates.join('\n')
    const paths = (value: object, path: string): string[] =>
      Object.entries(value).flatMap(([name, inner]) =>
        typeof inner === 'object' && !['relay', 'processes', 'engines'].includes(name)
          ? paths(inner as object, `${path}.${name}`)
          : [`${path}.${name}`],
      )
    assert.deepEqual(
      paths(defaults, '.Values').filter((path) => !all.includes(path)),
      [],
    )
  })
})

test('the documents of a process are named for it', () => {
  const names = documentsOf(named('users')).map(({ metadata }) => (metadata as Fields).name)
  assert.deepEqual(new Set(names), new Set(['users']))
})
