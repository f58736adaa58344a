/** The discovery client against the embedded discovery server: it may restart, forget, be away. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Discovery, startDiscovery } from '@svyaz/discovery'
import { createDiscoveryClient } from '../src/calls/discovery-client.ts'
import { believedMs } from '../src/calls/known-instances.ts'
import { createKeySet } from '../src/identity/key-set.ts'
import { readOwnKey } from '../src/identity/own-key.ts'
import { type TestCore, testCore, until } from './core-fixture.ts'
import { createKeys, type Keys } from './key-fixture.ts'

describe('the discovery client', () => {
  let folder: string
  let discovery: Discovery
  let folders = 0
  let keys: Keys
  before(async () => {
    keys = await createKeys('orders', 'users', 'payments', 'inventory', 'delivery', 'notifications')
    folder = await mkdtemp(join(tmpdir(), 'svyaz-discovery-'))
    discovery = await startDiscovery({ port: 0, directory: join(folder, 'data') })
  })
  after(async () => {
    await discovery?.[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
    await keys?.[Symbol.asyncDispose]()
  })

  const restart = async (directory = join(folder, 'data')) => {
    const { port } = discovery
    await discovery[Symbol.asyncDispose]()
    discovery = await startDiscovery({ port, directory })
  }
  const coreOf = (service: string, instance: string, home = join(folder, `home-${++folders}`)) =>
    testCore({ service, instance, home, discoveryUrl: `http://127.0.0.1:${discovery.port}`, ...keyFilesOf(service) })
  const keyFilesOf = (service: string) => ({ keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
  const clientOf = async (core: TestCore) =>
    createDiscoveryClient(core, { key: await readOwnKey(core), keySet: createKeySet(core) })

  it('registers, is found by name, leaves at once', async () => {
    const orders = await clientOf(coreOf('orders', 'orders-1'))
    const users = await clientOf(coreOf('users', 'users-1'))
    await orders.register({ http: 4001, grpc: 4002, management: 4003 })
    await users.watch('orders')
    assert.deepEqual(users.instances('orders'), [
      { id: 'orders-1', host: '127.0.0.1', ports: { http: 4001, grpc: 4002, management: 4003 } },
    ])
    const second = await clientOf(coreOf('orders', 'orders-2'))
    await second.register({ http: 4004 })
    await until('the second is seen', () => users.instances('orders').length === 2)
    await orders.deregister()
    await until('the first is gone', () => users.instances('orders').length === 1)
    assert.equal(users.pick('orders')?.instance.id, 'orders-2')
    await Promise.all([orders, users, second].map((client) => client[Symbol.asyncDispose]()))
  })

  it('advertises the ports of a proxy instead of its own', async () => {
    const core = coreOf('payments', 'payments-1')
    Object.assign(core, { environment: { ...core.environment, advertisedHttpPort: 9 } })
    const client = await clientOf(core)
    await client.register({ http: 4001, grpc: 4002 })
    await client.watch('payments')
    assert.deepEqual(client.instances('payments')[0]?.ports, { http: 9, grpc: 4002 })
    await client[Symbol.asyncDispose]()
  })

  it('keeps the last good addresses when nobody is there any more, for five minutes, and says so', async () => {
    const core = coreOf('users', 'users-2')
    let ahead = 0
    const clock = { ...core.clock, monotonic: () => core.clock.monotonic() + ahead }
    const users = await clientOf({ ...core, clock })
    const inventory = await clientOf(coreOf('inventory', 'inventory-1'))
    await inventory.register({ http: 4001 })
    await users.watch('inventory')
    await until('it is found', () => users.instances('inventory').length === 1)
    await inventory.deregister()
    await until('the doubt is told', () => core.gauged('discovery_doubted', { service: 'inventory' }) === 1)
    assert.equal(users.instances('inventory').length, 1)
    assert.ok(core.logs.some((line) => line.level === 'warn' && line.message.includes('last good addresses')))
    ahead = believedMs + 60_000
    assert.deepEqual(users.instances('inventory'), [])
    assert.equal(core.gauged('discovery_doubted', { service: 'inventory' }), 2)
    assert.ok(core.logs.some((line) => line.level === 'error' && line.message.includes('too old')))
    await Promise.all([users, inventory].map((client) => client[Symbol.asyncDispose]()))
  })

  it('starts from the addresses on disk when discovery is away', async () => {
    const home = join(folder, 'kept')
    const delivery = await clientOf(coreOf('delivery', 'delivery-1'))
    await delivery.register({ http: 4001 })
    const first = await clientOf(coreOf('users', 'users-3', home))
    await first.watch('delivery')
    const file = join(home, 'cache', 'discovery', 'delivery.json')
    await until('it is kept', () =>
      readFile(file).then(
        (bytes) => bytes.length > 10,
        () => false,
      ),
    )
    await first[Symbol.asyncDispose]()
    await delivery[Symbol.asyncDispose]()
    const core = testCore({
      service: 'users',
      instance: 'users-4',
      home,
      discoveryUrl: 'http://127.0.0.1:1',
      ...keyFilesOf('users'),
    })
    const second = await clientOf(core)
    await second.watch('delivery')
    assert.equal(second.instances('delivery')[0]?.id, 'delivery-1')
    await second.register({ http: 4005 })
    await second[Symbol.asyncDispose]()
  })

  it('takes no address from the disk that its service did not sign', async () => {
    const home = join(folder, 'tampered')
    await mkdir(join(home, 'cache', 'discovery'), { recursive: true })
    const instance = { id: 'delivery-6', host: '127.0.0.1', ports: { http: 6666 } }
    const file = join(home, 'cache', 'discovery', 'delivery.json')
    await writeFile(file, JSON.stringify([{ instance }, { instance, signed: 'a.b.c' }, instance, null]))
    const core = testCore({ service: 'users', home, discoveryUrl: 'http://127.0.0.1:1', ...keyFilesOf('users') })
    const users = await clientOf(core)
    void users.watch('delivery')
    await until('the disk was read', () => core.counted('discovery_untrusted_total', { service: 'delivery' }) === 2)
    assert.deepEqual(users.instances('delivery'), [])
    await users[Symbol.asyncDispose]()
  })

  it('registers again with a discovery that restarted and forgot everything', async () => {
    const orders = await clientOf(coreOf('orders', 'orders-5'))
    const users = await clientOf(coreOf('users', 'users-5'))
    await orders.register({ http: 4001 })
    await users.watch('orders')
    await restart(join(folder, 'empty'))
    assert.equal(users.instances('orders').length, 1)
    const registered = async () => {
      const response = await fetch(`${discovery.url}/v1/health/service/orders?passing=true`)
      return ((await response.json()) as unknown[]).length === 1
    }
    await until('it is registered again', registered)
    await Promise.all([orders, users].map((client) => client[Symbol.asyncDispose]()))
  })

  it('goes on when discovery was away, and finds what changed meanwhile', async () => {
    const users = await clientOf(coreOf('users', 'users-6'))
    const orders = await clientOf(coreOf('orders', 'orders-6'))
    await orders.register({ http: 4001 })
    await users.watch('orders')
    await until('it is found', () => users.instances('orders').some(({ id }) => id === 'orders-6'))
    await restart()
    const other = await clientOf(coreOf('orders', 'orders-7'))
    await other.register({ http: 4002 })
    await until('both are found', () => users.instances('orders').length === 2)
    await Promise.all([orders, users, other].map((client) => client[Symbol.asyncDispose]()))
  })

  it('leaves out an instance that keeps failing', async () => {
    const core = coreOf('users', 'users-8')
    const users = await clientOf(core)
    const both = [await clientOf(coreOf('notifications', 'good')), await clientOf(coreOf('notifications', 'bad'))]
    await Promise.all(both.map((client, index) => client.register({ http: 4001 + index })))
    await users.watch('notifications')
    await until('both are found', () => users.instances('notifications').length === 2)
    const picks = Array.from({ length: 12 }, () => users.pick('notifications'))
    for (const picked of picks) picked?.done(picked.instance.id === 'bad' ? 'failed' : 'ok')
    assert.equal(core.counted('discovery_ejections_total', { instance: 'bad' }), 1)
    for (let call = 0; call < 50; call++) {
      const picked = users.pick('notifications')
      assert.equal(picked?.instance.id, 'good')
      picked.done('ok')
    }
    await Promise.all([users, ...both].map((client) => client[Symbol.asyncDispose]()))
  })

  it('registers again when somebody else changed its registration', async () => {
    const core = coreOf('orders', 'orders-9')
    const { clock } = core
    // Twenty times faster, so that ten seconds pass within one.
    core.clock = {
      ...clock,
      monotonic: () => clock.monotonic() * 20,
      delay: (ms, signal) => clock.delay(ms / 20, signal),
    }
    const orders = await clientOf(core)
    const users = await clientOf(coreOf('users', 'users-9'))
    await orders.register({ http: 4001 })
    await users.watch('orders')
    const own = (await (await fetch(`${discovery.url}/v1/agent/service/orders-9`)).json()) as {
      Meta: Record<string, string>
    }
    const response = await fetch(`${discovery.url}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({
        ID: 'orders-9',
        Name: 'orders',
        Address: '127.0.0.1',
        Meta: { ...own.Meta, http: '6666' },
        Check: { CheckID: 'service:orders-9', TTL: '10s', Status: 'passing' },
      }),
    })
    assert.equal(response.status, 200)
    await until('it is told', () => core.logs.some(({ message }) => message.includes('somebody else changed')))
    await until('it is found under its own port', () =>
      users.instances('orders').some(({ id, ports }) => id === 'orders-9' && ports.http === 4001),
    )
    assert.equal(
      users.instances('orders').some(({ ports }) => ports.http === 6666),
      false,
    )
    await Promise.all([orders, users].map((client) => client[Symbol.asyncDispose]()))
  })

  it('compares its clock with that of discovery at each heartbeat', async () => {
    const core = coreOf('orders', 'orders-10')
    const { clock } = core
    let ahead = 0
    core.clock = { ...clock, now: () => clock.now() + ahead, delay: (ms, signal) => clock.delay(ms / 20, signal) }
    const apart = () => core.gauged('svyaz_clock_apart_seconds', { peer: 'discovery' })
    const orders = await clientOf(core)
    await orders.register({ http: 4001 })
    await until('the clocks agree', () => apart() === 0)
    for (const jump of [3_600_000, -3_600_000]) {
      ahead = jump
      await until('it is seen', () => Math.abs((apart() ?? 0) - jump / 1000) < 5)
      ahead = 0
      await until('they agree again', () => apart() === 0)
    }
    assert.equal(core.logs.filter(({ message }) => message.includes('are apart')).length, 2)
    // Its own registration never went: signed in both times, it is found.
    await orders.watch('orders')
    assert.ok(orders.instances('orders').some(({ id }) => id === 'orders-10'))
    await orders[Symbol.asyncDispose]()
  })
})
