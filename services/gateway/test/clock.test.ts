/** The gateway's wall clock jumps, forward and back or back and forward: requests go on, then and afterwards. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSigner, createVerifier } from '../../../platform/kit/src/identity/identity.ts'
import { testCore } from '../../../platform/kit/test/core-fixture.ts'
import { createKeys } from '../../../platform/kit/test/key-fixture.ts'
import { introspectAtUsers, leftMs } from '../src/identity-provider.ts'
import { alice, bearer, startGateway, startUpstream } from './gateway-fixture.ts'

const hourMs = 3_600_000

for (const [name, jump] of [
  ['forward and back', hourMs],
  ['back and forward', -hourMs],
] as const)
  test(`a clock that goes an hour ${name} again refuses nobody for it`, async () => {
    await using orders = await startUpstream('orders-1')
    let ahead = 0
    const { clock } = testCore()
    await using edge = await startGateway({
      instances: { orders: [orders.instance] },
      clock: { ...clock, now: () => clock.now() + ahead },
      settings: { userRequestsPerMinute: 6 },
    })
    edge.users.set('bob-token', { ...alice, userId: '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d50' })
    const statusOf = async (token: string) => {
      const answer = await fetch(`${edge.base}/orders`, { headers: bearer(token) })
      await answer.text()
      return answer.status
    }
    const statuses: number[] = []
    for (const now of [0, jump, 0, jump, 0]) {
      ahead = now
      statuses.push(await statusOf('alice-token'))
      assert.equal(await statusOf('made-up'), 401)
    }
    assert.deepEqual(statuses, [200, 200, 200, 200, 200])
    // What was signed while the clock was away is not used when it is back.
    const { authorization } = orders.seen.at(-1)!.headers
    assert.equal((await edge.callerAt('orders', authorization)).kind, 'user')
    // What was remembered of tokens is neither forgotten nor kept for longer, and limits neither open nor stay shut.
    assert.deepEqual(edge.asked, ['alice-token', 'made-up'])
    assert.deepEqual([await statusOf('alice-token'), await statusOf('alice-token')], [200, 429])
    ahead = jump
    assert.deepEqual([await statusOf('alice-token'), await statusOf('bob-token')], [429, 200])
  })

test('when the clock of users is an hour behind, the refusal is 503, says when to try again, and names the clock', async () => {
  const { Failure } = await import('@svyaz/kit')
  const keys = await createKeys('gateway', 'users')
  const files = (service: string) => ({ service, keyFile: keys.keyFile(service), jwksFile: keys.jwksFile })
  const users = testCore(files('users'))
  const { clock } = users
  users.clock = { ...clock, now: () => clock.now() - hourMs }
  const verifier = await createVerifier(users)
  const signer = await createSigner(testCore(files('gateway')))
  const http = () => ({
    async call(): Promise<never> {
      await verifier.verify(`Bearer ${await signer.serviceToken('users')}`)
      throw new Failure('internal', 'users took a token from its future')
    },
  })
  await using edge = await startGateway({ parts: { introspect: introspectAtUsers({ http, clock }) } })
  const answer = await fetch(`${edge.base}/orders`, { headers: bearer('alice-token') })
  const { code, detail } = (await answer.json()) as { code: string; detail: string }
  assert.deepEqual([answer.status, code, answer.headers.get('retry-after')], [503, 'unavailable', '30'])
  assert.match(
    detail,
    /token of gateway is 3(599|600) s ahead of the clock of users: the clocks of their machines are apart/,
  )
  await keys[Symbol.asyncDispose]()
})

test('a token ends by the clock of the provider that gave it, wherever our own clock stands', () => {
  const theirs = Date.parse('2026-01-01T00:00:00Z')
  const date = new Date(theirs).toUTCString()
  const exp = theirs / 1000 + 60
  for (const apart of [0, hourMs, -hourMs]) {
    assert.equal(leftMs({ exp }, date, theirs + apart), 60_000)
    assert.equal(leftMs({ exp: exp + 3_600, expires_in: 60 }, date, theirs + apart), 60_000, 'as the provider counted')
  }
  assert.equal(leftMs({}, date, theirs), Number.POSITIVE_INFINITY)
  assert.equal(leftMs({ exp }, undefined, theirs), 60_000)
})
