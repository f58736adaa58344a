/** `docker compose --profile core`: built, started, used, killed, stopped, removed, opened with psql, started again. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, test } from 'node:test'
import { Consumer } from '@platformatic/kafka'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { topics } from '@svyaz/contracts/index.ts'
import { topicsToMake } from '@svyaz/kit/topics'
import { MongoClient } from 'mongodb'
import { demand } from '../../lab/observe/http.ts'
import { Person } from '../../lab/observe/person.ts'
import { containerized } from '../image/entries.ts'
import {
  addressOf,
  assertSmallAndClosed,
  compose,
  containerOf,
  crash,
  docker,
  eventually,
  healthy,
  imagesOf,
  lastWords,
  servicesOf,
  stateOf,
} from './compose.ts'

const gateway = 'http://127.0.0.1:8080'
const edge = 'http://127.0.0.1:8000'
const mails = 'http://127.0.0.1:8025'
let customer: Person
let passed = false

before(async () => {
  // Docker's older builder rebuilds a stage for each of several builds at once: once for all, then from its cache.
  docker('build', '--target', 'build', '.')
  compose('--profile', 'core', 'build')
  compose('--profile', 'core', 'up', '--detach', '--no-build')
  await healthy('gateway')
})

after(() => {
  if (!passed) process.stdout.write(lastWords())
  compose('--profile', '*', 'down', '--volumes', '--timeout', '20')
})

/** The processes of ours that run in this profile. */
const ours = (): string[] => {
  const running = new Set(servicesOf('core'))
  return containerized.map(({ name }) => name).filter((name) => running.has(name))
}

/** As a client does it: asked again, under the same key, until there is an answer. */
function order(productId = 'P-1001'): Promise<OrderView> {
  const key = randomUUID()
  return eventually('an answer to the order', async () => {
    const answer = await customer.tryOrder({ items: [{ productId, quantity: 2 }] }, key)
    return (await demand<OrderView>(201, Promise.resolve(answer))).body
  })
}

const completed = (id: string): Promise<OrderView> =>
  eventually(`the end of order ${id}`, async () => {
    const view = await customer.read(id)
    return view.status === 'completed' ? view : undefined
  })

test('images are small, without npm, and their user is not root', () => assertSmallAndClosed(imagesOf('core')))

test('everything is healthy, and jobs ended well', () => {
  for (const service of servicesOf('core')) {
    const { Status, ExitCode, Health } = stateOf(containerOf(service))
    if (['secrets', 'databases', 'topics', 'mongo-roles'].includes(service))
      assert.deepEqual([service, Status, ExitCode], [service, 'exited', 0])
    else assert.deepEqual([service, Status, Health?.Status], [service, 'running', 'healthy'])
  }
})

test('a container of ours can write nowhere but to its own place, and holds no rights', () => {
  for (const name of ours()) {
    const container = containerOf(name)
    const { HostConfig } = JSON.parse(docker('inspect', '--format', '{{json .}}', container)) as {
      HostConfig: {
        ReadonlyRootfs: boolean
        CapDrop: string[]
        SecurityOpt: string[]
        Memory: number
        NanoCpus: number
        PidsLimit: number
      }
    }
    assert.equal(HostConfig.ReadonlyRootfs, true, name)
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], name)
    assert.deepEqual(HostConfig.SecurityOpt, ['no-new-privileges:true'], name)
    assert.ok(HostConfig.Memory > 0 && HostConfig.NanoCpus > 0 && HostConfig.PidsLimit > 0, name)
  }
  const tried = docker(
    'exec',
    containerOf('orders'),
    'sh',
    '-c',
    'touch /svyaz/x 2>/dev/null || echo refused; grep CapEff /proc/self/status',
  )
  assert.match(tried, /refused\nCapEff:\s+0{16}/)
})

test('a port is published on the loopback address alone', () => {
  const bindings = docker('ps', '--format', '{{.Ports}}')
    .split(/[\n,]/)
    .filter((binding) => binding.includes('->'))
  assert.ok(bindings.length >= 4)
  for (const binding of bindings) assert.match(binding.trim(), /^127\.0\.0\.1:/)
})

test('a service holds its own secrets and nobody else’s', () => {
  const held = (service: string) => docker('exec', containerOf(service), 'ls', '/run/svyaz').trim().split('\n')
  // The first is of the image, and empty.
  assert.deepEqual(held('orders'), [
    'environment',
    'environment.mongodb',
    'environment.postgres',
    'jwks.json',
    'key.json',
  ])
  assert.deepEqual(held('users'), ['environment', 'jwks.json', 'key.json'])
  assert.deepEqual(held('gateway'), ['environment', 'jwks.json', 'key.json'])
  const told = (service: string, file = 'environment') =>
    docker('exec', containerOf(service), 'cat', `/run/svyaz/${file}`)
  assert.match(told('users'), /^SVYAZ_DATABASE_URL=postgres:\/\/users:[\w-]{32}@postgres:5432\/users\n$/)
  assert.match(
    told('orders', 'environment.mongodb'),
    /^SVYAZ_MONGO_URL=mongodb:\/\/orders:[\w-]{32}@mongo:27017\/orders\?/,
  )
  for (const service of ['gateway', 'orders']) assert.equal(told(service), '')
  for (const service of ['orders', 'users', 'mongo'])
    assert.doesNotMatch(docker('inspect', containerOf(service)), /:\/\/(?:orders|users):/)
})

const psql = (...args: string[]): string => compose('run', '--rm', '-T', 'psql', '-AtX', ...args).trim()

test('a role has its own database and no way into another', () => {
  const roles = psql(
    '-c',
    "SELECT rolname, rolsuper, rolcreatedb, rolcreaterole FROM pg_roles WHERE rolname IN ('orders', 'users')",
  )
  assert.deepEqual(roles.split('\n').sort(), ['orders|f|f|f', 'users|f|f|f'])
  const connects =
    "SELECT has_database_privilege('orders', 'orders', 'CONNECT'), has_database_privilege('orders', 'users', 'CONNECT')"
  assert.equal(psql('-c', connects), 't|f')
})

/** What MongoDB's ordinary driver finds, from outside. */
async function ordersInMongo(): Promise<string[]> {
  const password = docker('exec', containerOf('mongo'), 'cat', '/run/svyaz/orders').trim()
  const at = `${addressOf('mongo')}:27017/orders?directConnection=true`
  const client = new MongoClient(`mongodb://orders:${password}@${at}`)
  try {
    const found = await client.db().collection<{ _id: string }>('orders').find().project({ _id: 1 }).toArray()
    return found.map(({ _id }) => String(_id))
  } finally {
    await client.close()
  }
}

test('every topic of the contracts is on three nodes', async () => {
  const consumer = new Consumer({
    clientId: 'test',
    groupId: 'test',
    bootstrapBrokers: [`${addressOf('kafka-1')}:9092`],
  })
  try {
    const wanted = topicsToMake(topics)
    const { topics: found } = await consumer.metadata({ topics: wanted.map(({ name }) => name) })
    for (const { name, partitions } of wanted) {
      const there = found.get(name)?.partitions ?? []
      assert.deepEqual([name, Object.values(there).length], [name, partitions])
      for (const { replicas } of Object.values(there)) assert.equal(replicas.length, 3, name)
    }
  } finally {
    await consumer.close(true)
  }
})

let kept: OrderView

test('an order runs through all services, and a mail says so', async () => {
  customer = await Person.register(gateway, 'Vera')
  kept = await completed((await order()).id)
  await eventually('mail', async () => {
    const { total } = (await (await fetch(`${mails}/mails?to=${customer.email}`)).json()) as { total: number }
    return total > 0 ? true : undefined
  })
})

test('the console shows its page', async () => {
  const page = await eventually('the page', async () => {
    const answer = await fetch('http://127.0.0.1:8090/')
    const text = await answer.text()
    return answer.ok && /assets\/[\w.-]+\.js/.test(text) ? text : undefined
  })
  const script = /assets\/[\w.-]+\.js/.exec(page)?.[0]
  assert.equal((await fetch(`http://127.0.0.1:8090/${script}`)).status, 200)
})

test('orders, a payment worker, a Kafka node and a Consul node crash under orders: all are completed, all come back', async () => {
  const under: OrderView[] = []
  for (const service of ['payments', 'kafka-2', 'orders', 'consul-2']) {
    under.push(await order('P-1002'))
    crash(service)
  }
  for (const { id } of under) await completed(id)
  for (const service of ['payments', 'kafka-2', 'orders', 'consul-2']) await healthy(service)
  const { body: mine } = await demand<OrderView[]>(200, customer.ask('GET', `/orders?userId=${customer.id}`))
  assert.equal(mine.length, 1 + under.length)
  const totals = (await (await fetch(`http://${addressOf('payment-processor')}:8080/totals`)).json()) as {
    count: number
    chargedMinor: number
  }
  // What the outside world was told: once an order, whoever died in between.
  assert.equal(totals.count, mine.length)
  assert.equal(
    totals.chargedMinor,
    mine.reduce((sum, { total }) => sum + total.amountMinor, 0),
  )
})

test('SIGTERM ends a process in order, within its time', async () => {
  await healthy('orders')
  const container = containerOf('orders')
  const began = performance.now()
  compose('--profile', 'core', 'stop', 'orders')
  assert.ok(performance.now() - began < 12_000)
  assert.equal(stateOf(container).ExitCode, 0)
  assert.match(docker('logs', '--tail', '1', container), /"msg":"stopped"/)
})

test('after `down` the ordinary clients open what was written, and after `up` it is all there', async () => {
  compose('--profile', 'core', 'down')
  assert.equal(docker('ps', '-aq', '--filter', 'label=com.docker.compose.project=svyaz').trim(), '')
  assert.equal(psql('-d', 'users', '-c', `SELECT count(*) FROM users WHERE email = '${customer.email}'`), '1')
  compose('--profile', 'mongosh', 'up', '--detach', '--no-build', 'mongo')
  await healthy('mongo')
  assert.ok((await ordersInMongo()).includes(kept.id))
  compose('--profile', '*', 'down')
  compose('--profile', 'core', 'up', '--detach', '--no-build')
  await healthy('gateway')
  // A connection kept from before `down` may be tried first.
  const again = await eventually('the log-in', () => Person.signIn(gateway, customer))
  assert.equal((await again.read(kept.id)).status, 'completed')
})

test('behind the balancer a gateway may crash unnoticed; with all of them away it still shows the products', async () => {
  compose('--profile', 'full', 'build', 'gateway-2')
  // These two alone: what else is in `full` has no stand-in here.
  for (const service of ['gateway-2', 'angie']) {
    compose('--profile', 'full', 'up', '--detach', '--no-build', '--no-deps', service)
    await healthy(service)
  }
  const products = async () => {
    const answer = await fetch(`${edge}/products`)
    await answer.arrayBuffer()
    return { status: answer.status, cache: answer.headers.get('x-cache') }
  }
  const asker = await Person.signIn(edge, customer)
  const me = () => demand(200, asker.ask('GET', '/users/me'))
  const logged = (service: string) => docker('logs', containerOf(service)).split('"path":"/users/me"').length - 1
  for (let round = 0; round < 10; round += 1) await me()
  assert.ok(logged('gateway') > 0 && logged('gateway-2') > 0, 'both are asked')

  crash('gateway')
  for (let round = 0; round < 20; round += 1) await me()
  await healthy('gateway')

  assert.equal((await products()).status, 200)
  compose('--profile', 'full', 'stop', 'gateway', 'gateway-2')
  const stale = await eventually('a stale answer', async () => {
    const answer = await products()
    return answer.cache === 'STALE' ? answer : undefined
  })
  assert.equal(stale.status, 200)
  assert.equal((await fetch(`${edge}/users/me`)).status, 502)
  passed = true
})
