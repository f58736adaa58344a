/** R4.4 at the edge: discovery is gone; what was known serves for five minutes, and then it says so. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Problem } from '@svyaz/contracts/errors.ts'
import { startDiscovery } from '@svyaz/discovery'
import { createDiscoveryClient } from '../../../platform/kit/src/calls/discovery-client.ts'
import { believedMs } from '../../../platform/kit/src/calls/known-instances.ts'
import { createKeySet } from '../../../platform/kit/src/identity/key-set.ts'
import { readOwnKey } from '../../../platform/kit/src/identity/own-key.ts'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { createKeys } from '../../../platform/kit/test/key-fixture.ts'
import { startGateway, startUpstream } from './gateway-fixture.ts'

test('without discovery the addresses that are known serve for five minutes, and no longer', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'svyaz-away-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  await using keys = await createKeys('gateway', 'orders')
  const directory = join(folder, 'discovery')
  const discovery = await startDiscovery({ port: 0, directory })
  let ahead = 0
  const coreOf = (service: string) => {
    const files = { keyFile: keys.keyFile(service), jwksFile: keys.jwksFile }
    return testCore({ service, home: join(folder, service), discoveryUrl: discovery.url, ...files })
  }
  const clientOf = async (core: ReturnType<typeof testCore>) =>
    createDiscoveryClient(core, { key: await readOwnKey(core), keySet: createKeySet(core) })
  await using orders = await startUpstream('orders-1')
  const registered = await clientOf(coreOf('orders'))
  await registered.register({ http: orders.port })
  const core = coreOf('gateway')
  core.clock = { ...core.clock, monotonic: () => performance.now() + ahead }
  await using finder = await clientOf(core)
  await finder.watch('orders')
  await until('it is found', () => finder.instances('orders').length === 1)
  await using edge = await startGateway({
    routes: [{ prefix: '/orders', service: 'orders', auth: 'none' }],
    discovery: finder,
  })
  const ask = async () => {
    const answer = await fetch(`${edge.base}/orders`)
    const body = (await answer.json()) as Partial<Problem>
    return { status: answer.status, detail: body.detail, retryAfter: answer.headers.get('retry-after') }
  }
  assert.equal((await ask()).status, 200)

  await discovery[Symbol.asyncDispose]()
  await until('the doubt is told', () => core.gauged('discovery_doubted', { service: 'orders' }) === 1)
  const told = (level: string, words: RegExp) =>
    core.logs.some((line) => line.level === level && words.test(line.message))
  assert.ok(told('warn', /last good addresses/), 'that it goes by what it knows')
  ahead = believedMs - 30_000
  assert.equal((await ask()).status, 200)
  assert.ok(!told('error', /too old/))
  ahead = believedMs + 30_000
  const late = await ask()
  assert.deepEqual([late.status, late.retryAfter], [503, '1'])
  assert.match(late.detail ?? '', /no instance of orders/)
  assert.equal(core.gauged('discovery_doubted', { service: 'orders' }), 2)
  assert.ok(told('error', /too old/), 'that it doesn’t any more')

  const back = await startDiscovery({ port: Number(new URL(discovery.url).port), directory })
  t.after(() => back[Symbol.asyncDispose]())
  await until('it is called again', async () => (await ask()).status === 200)
  await registered[Symbol.asyncDispose]()
})
