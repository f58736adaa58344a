/** A gateway gets a new key as it does in a rolling restart, while requests run: the services take every one of them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier } from '../../../platform/kit/src/identity/identity.ts'
import { keySetLimits } from '../../../platform/kit/src/identity/key-set.ts'
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { createKeys } from '../../../platform/kit/test/key-fixture.ts'
import { bearer, startGateway, startUpstream } from './gateway-fixture.ts'

test('keys are rotated while requests run, and none fails', async () => {
  await using keys = await createKeys('gateway', 'orders')
  const core = testCore({ service: 'orders', keyFile: keys.keyFile('orders'), jwksFile: keys.jwksFile })
  let ahead = 0
  core.clock = { ...core.clock, monotonic: () => performance.now() + ahead }
  const verifier = await createVerifier(core)
  await using orders = await startUpstream('orders-1', (request, response) => {
    verifier.verify(request.headers.authorization).then(
      (caller) => response.writeHead(caller.kind === 'user' ? 200 : 403).end(),
      () => response.writeHead(401).end(),
    )
  })
  const start = () =>
    startGateway({
      keys,
      instances: { orders: [orders.instance] },
      settings: { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 1_000_000 },
    })
  let edge = await start()
  let running = true
  const statuses = new Map<number, number>()
  const answered = () => statuses.get(200) ?? 0
  const ask = async () => {
    while (running) {
      const { base } = edge
      const answer = await fetch(`${base}/orders`, { headers: { ...bearer('alice-token'), connection: 'close' } })
      await answer.text()
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    }
  }
  const asking = Promise.all(Array.from({ length: 6 }, ask))
  const goOn = (count: number) => {
    const enough = answered() + count
    return until('requests go on', () => answered() >= enough)
  }
  await goOn(20)
  for (let number = 2; number < 6; number++) {
    await keys.rotate('gateway', number)
    ahead += keySetLimits.readEveryMs
    const before = edge
    edge = await start()
    // Both sign for a while, each with a key of its own.
    await goOn(20)
    await before.running.drain(5_000)
    await before[Symbol.asyncDispose]()
    await keys.withdraw('gateway', number - 1)
    ahead += keySetLimits.keysAgeMsMax
    await goOn(20)
  }
  running = false
  await asking
  await edge[Symbol.asyncDispose]()
  assert.deepEqual([...statuses.keys()], [200])
})
