import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Failure } from '@svyaz/kit'
import { gatewayLimits } from './config.ts'
import { type Claim, InFlight } from './in-flight.ts'

const max = 80
const fill = (claimOf: (index: number) => Claim, inFlight = new InFlight(gatewayLimits.inFlightShares, 1)) => {
  let refusal: unknown
  let held = 0
  while (refusal === undefined && held <= max)
    try {
      inFlight.enter(claimOf(held), max)
      held++
    } catch (error) {
      refusal = error
    }
  assert.ok(refusal instanceof Failure)
  assert.equal(refusal.retryAfterSeconds, 1)
  return { inFlight, held, code: refusal.code }
}
const anybody = (claim: Partial<Claim> = {}): Claim => ({
  route: '/orders',
  userId: 'u',
  address: '192.0.2.1',
  ...claim,
})

describe('requests in flight', () => {
  it('no route holds them all', () => {
    const { inFlight, held, code } = fill((index) => anybody({ userId: `u${index}`, address: `192.0.2.${index}` }))
    assert.deepEqual([held, code], [40, 'unavailable'])
    inFlight.enter(anybody({ route: '/products', userId: 'u1', address: '192.0.2.1' }), max)
  })
  it('no user does, whatever the addresses and routes', () => {
    const { inFlight, held, code } = fill((index) => anybody({ route: `/${index}`, address: `192.0.2.${index}` }))
    assert.deepEqual([held, code], [20, 'too_many_requests'])
    inFlight.enter(anybody({ userId: 'another' }), max)
  })
  it('the anonymous of an address leave room for the signed-in of the same', () => {
    const { inFlight, held, code } = fill((index) => anybody({ route: `/${index}`, userId: undefined }))
    assert.deepEqual([held, code], [40, 'too_many_requests'])
    inFlight.enter(anybody(), max)
  })
  it('no address does, whoever is behind it', () => {
    const { inFlight, held, code } = fill((index) => anybody({ route: `/${index}`, userId: `u${index}` }))
    assert.deepEqual([held, code], [60, 'too_many_requests'])
    inFlight.enter(anybody({ address: '198.51.100.1' }), max)
  })
  it('all together are bounded', () => {
    const each = (index: number) => anybody({ route: `/${index}`, userId: `u${index}`, address: `a${index}` })
    const { held, code } = fill(each)
    assert.deepEqual([held, code], [max, 'unavailable'])
  })
  it('a place is freed once', () => {
    const inFlight = new InFlight(gatewayLimits.inFlightShares, 1)
    const [first] = [inFlight.enter(anybody(), max), inFlight.enter(anybody(), max)]
    first()
    first()
    assert.equal(inFlight.size, 1)
  })
  it('one place is one for everybody', () => {
    const inFlight = new InFlight(gatewayLimits.inFlightShares, 1)
    inFlight.enter(anybody(), 1)()
    inFlight.enter(anybody(), 1)
    assert.throws(() => inFlight.enter(anybody({ userId: 'another' }), 1), { code: 'unavailable' })
  })
})
