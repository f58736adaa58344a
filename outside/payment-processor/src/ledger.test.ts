import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Problem } from '@svyaz/stage'
import {
  apply,
  type ChargeRequest,
  currentCharge,
  currentTotals,
  type Decision,
  decideCharge,
  decideRefund,
  decideVoid,
  type Entry,
  emptyLedger,
} from './ledger.ts'

/** A ledger with its entries beside it, as the process keeps them. */
function books() {
  const ledger = emptyLedger()
  const entries: Entry[] = []
  let ids = 0
  const settle = <T>({ answer, entry }: Decision<T>): T => {
    if (entry !== undefined) {
      const placed = { v: 1, sequence: entries.length + 1, ...entry } as Entry
      entries.push(placed)
      apply(ledger, placed)
    }
    return answer
  }
  const stamp = () => ({ id: String(++ids), createdAt: '2026-01-01T00:00:00.000Z' })
  return {
    ledger,
    entries,
    charge: (key: string, request: Partial<ChargeRequest> = {}) =>
      settle(
        decideCharge(
          ledger,
          key,
          { amountMinor: 1_000, currency: 'EUR', method: 'pm_ok', reference: 'o1', ...request },
          stamp(),
        ),
      ),
    void: (key: string) => settle(decideVoid(ledger, key, stamp())),
    refund: (key: string, chargeKey: string, amountMinor: number) =>
      settle(decideRefund(ledger, key, { chargeKey, amountMinor }, stamp())),
  }
}

const refusal = (code: string, status: number) => (error: unknown) =>
  error instanceof Problem && error.code === code && error.status === status

test('a key answers its first result for ever and charges once', () => {
  const b = books()
  const first = b.charge('k')
  assert.equal(first.status, 'succeeded')
  assert.deepEqual(b.charge('k'), first)
  assert.equal(b.entries.length, 1)
  assert.deepEqual(currentTotals(b.ledger).chargedMinor, 1_000)
})

test('a decline is a result too: it is remembered and takes no money', () => {
  const b = books()
  const first = b.charge('k', { method: 'pm_declined' })
  assert.deepEqual([first.status, first.declineCode], ['declined', 'card_declined'])
  assert.deepEqual(b.charge('k', { method: 'pm_declined' }), first)
  assert.equal(currentTotals(b.ledger).chargedMinor, 0)
  assert.equal(currentTotals(b.ledger).declinedCount, 1)
})

for (const other of [{ amountMinor: 999 }, { currency: 'USD' }, { method: 'pm_slow' }, { reference: 'o2' }])
  test(`the same key with another ${Object.keys(other)[0]} is refused`, () => {
    const b = books()
    b.charge('k')
    assert.throws(() => b.charge('k', other), refusal('idempotency_key_reused', 422))
    assert.equal(b.entries.length, 1)
  })

test('an unknown method is refused and not remembered', () => {
  const b = books()
  assert.throws(() => b.charge('k', { method: 'constructor' }), refusal('unknown_method', 422))
  assert.equal(b.charge('k').status, 'succeeded')
})

test('a void that comes first bars the charge for ever', () => {
  const b = books()
  assert.equal(b.void('k').returnedMinor, 0)
  assert.throws(() => b.charge('k'), refusal('charge_voided', 409))
  assert.equal(currentTotals(b.ledger).chargedMinor, 0)
  assert.equal(currentCharge(b.ledger, 'k')?.status, 'voided')
})

test('a void returns the whole charge once', () => {
  const b = books()
  const charge = b.charge('k')
  const first = b.void('k')
  assert.equal(first.returnedMinor, 1_000)
  assert.deepEqual(b.void('k'), first)
  assert.deepEqual(b.charge('k'), charge)
  assert.deepEqual([currentCharge(b.ledger, 'k')?.status, currentCharge(b.ledger, 'k')?.netMinor], ['voided', 0])
  assert.equal(currentTotals(b.ledger).voidedMinor, 1_000)
})

test('a void after a refund returns only the rest', () => {
  const b = books()
  b.charge('k')
  b.refund('r', 'k', 400)
  assert.equal(b.void('k').returnedMinor, 600)
  assert.equal(currentCharge(b.ledger, 'k')?.netMinor, 0)
})

test('a void of a decline returns nothing and leaves it a decline', () => {
  const b = books()
  b.charge('k', { method: 'pm_declined' })
  assert.equal(b.void('k').returnedMinor, 0)
  assert.equal(currentCharge(b.ledger, 'k')?.status, 'declined')
})

test('refunds never exceed the charge, over several of them', () => {
  const b = books()
  b.charge('k')
  b.refund('r1', 'k', 700)
  assert.throws(() => b.refund('r2', 'k', 301), refusal('refund_exceeds_charge', 422))
  b.refund('r3', 'k', 300)
  assert.throws(() => b.refund('r4', 'k', 1), refusal('refund_exceeds_charge', 422))
  assert.equal(currentTotals(b.ledger).refundedMinor, 1_000)
})

test('a refund key answers its first result, and no other request', () => {
  const b = books()
  b.charge('k')
  const first = b.refund('r', 'k', 400)
  assert.deepEqual(b.refund('r', 'k', 400), first)
  assert.throws(() => b.refund('r', 'k', 401), refusal('idempotency_key_reused', 422))
  assert.equal(currentTotals(b.ledger).refundedMinor, 400)
})

test('what took no money is not refunded', () => {
  const b = books()
  assert.throws(() => b.refund('r', 'none', 1), refusal('charge_not_found', 404))
  b.charge('declined', { method: 'pm_declined' })
  assert.throws(() => b.refund('r', 'declined', 1), refusal('charge_not_refundable', 422))
  b.charge('voided')
  b.void('voided')
  assert.throws(() => b.refund('r', 'voided', 1), refusal('charge_voided', 409))
})

test('totals are kept per currency', () => {
  const b = books()
  b.charge('a')
  b.charge('b', { currency: 'JPY', amountMinor: 50 })
  assert.deepEqual(Object.keys(currentTotals(b.ledger).byCurrency), ['EUR', 'JPY'])
  assert.equal(currentTotals(b.ledger).byCurrency.JPY?.chargedMinor, 50)
})

test('folding the entries again gives the same state, and a missing entry is noticed', () => {
  const b = books()
  b.charge('a')
  b.charge('b', { method: 'pm_declined' })
  b.refund('r', 'a', 10)
  b.void('a')
  b.void('never')
  const again = emptyLedger()
  for (const entry of b.entries) apply(again, JSON.parse(JSON.stringify(entry)))
  assert.deepEqual(again, b.ledger)
  const gap = emptyLedger()
  apply(gap, b.entries[0] as Entry)
  assert.throws(() => apply(gap, b.entries[2] as Entry), /entries are missing/)
})

test('seeded scenarios: money never appears or disappears', () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    let state = seed
    const random = (below: number) => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return (state >>> 8) % below
    }
    const b = books()
    for (let step = 0; step < 60; step += 1) {
      const key = `k${random(4)}`
      try {
        if (random(3) === 0) b.charge(key, { method: random(3) === 0 ? 'pm_declined' : 'pm_ok' })
        else if (random(4) === 0) b.void(key)
        else b.refund(`r${random(30)}`, key, 1 + random(500))
      } catch (error) {
        assert.ok(error instanceof Problem, `seed ${seed}: ${String(error)}`)
      }
      for (const [name, account] of b.ledger.accounts) {
        const now = currentCharge(b.ledger, name)
        assert.ok(now !== undefined && now.netMinor >= 0 && now.netMinor <= 1_000, `seed ${seed} step ${step} ${name}`)
        assert.ok(
          account.void === undefined || now.netMinor === 0,
          `seed ${seed} step ${step}: a voided key keeps money`,
        )
      }
    }
    const totals = currentTotals(b.ledger)
    const net = [...b.ledger.accounts.keys()].reduce(
      (sum, key) => sum + (currentCharge(b.ledger, key)?.netMinor ?? 0),
      0,
    )
    assert.equal(totals.chargedMinor - totals.refundedMinor - totals.voidedMinor, net, `seed ${seed}`)
  }
})
