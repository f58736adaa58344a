/**
 * The provider's books. Every movement of money is an entry; the state is a fold of the entries and nothing else,
 * so what a restart knows is exactly what was written.
 *
 * Decisions here take a state and a request and return either the answer with the entry to write, or only an answer
 * (a repetition), or a refusal. They do no I/O. The caller writes the entry before it gives the answer.
 */
import { Problem } from '@svyaz/stage'

export type Charge = {
  readonly id: string
  readonly key: string
  readonly status: 'succeeded' | 'declined'
  readonly amountMinor: number
  readonly currency: string
  readonly declineCode?: string
  readonly createdAt: string
}

export type Void = {
  readonly id: string
  readonly key: string
  readonly status: 'voided'
  /** What went back to the payer now: 0 when nothing had been charged. */
  readonly returnedMinor: number
  readonly createdAt: string
}

export type Refund = {
  readonly id: string
  readonly key: string
  readonly chargeKey: string
  readonly status: 'refunded'
  readonly amountMinor: number
  readonly currency: string
  readonly createdAt: string
}

/** What is on the disk. `request` is what a repetition must match. */
export type Entry =
  | {
      readonly v: 1
      readonly sequence: number
      readonly type: 'charge'
      readonly charge: Charge
      readonly request: ChargeRequest
    }
  | { readonly v: 1; readonly sequence: number; readonly type: 'void'; readonly void: Void }
  | { readonly v: 1; readonly sequence: number; readonly type: 'refund'; readonly refund: Refund }

/** An entry before the ledger gave it its place. */
export type NewEntry = Entry extends infer E ? (E extends Entry ? Omit<E, 'sequence' | 'v'> : never) : never

export type ChargeRequest = {
  readonly amountMinor: number
  readonly currency: string
  readonly method: string
  readonly reference: string
}
export type RefundRequest = { readonly chargeKey: string; readonly amountMinor: number }

export type Account = { charge?: Charge; request?: ChargeRequest; void?: Void; refundedMinor: number }

export type CurrencyTotals = { chargedMinor: number; refundedMinor: number; voidedMinor: number; count: number }

/** Changed only by `apply`. */
export type Ledger = {
  sequence: number
  readonly accounts: Map<string, Account>
  readonly refunds: Map<string, Refund>
  readonly totals: Map<string, CurrencyTotals>
  declined: number
}

/** A ledger without accounts or entries. */
export const emptyLedger = (): Ledger => ({
  sequence: 0,
  accounts: new Map(),
  refunds: new Map(),
  totals: new Map(),
  declined: 0,
})

/** Folds one entry in. @throws when the entry doesn't follow the last one: a line is missing or from elsewhere */
export function apply(ledger: Ledger, entry: Entry): void {
  if (entry.v !== 1) throw new Error(`ledger entry version ${String(entry.v)} is newer than this program`)
  if (entry.sequence !== ledger.sequence + 1)
    throw new Error(`ledger entry ${entry.sequence} follows ${ledger.sequence}: entries are missing`)
  ledger.sequence = entry.sequence
  if (entry.type === 'charge') {
    const account = accountOf(ledger, entry.charge.key)
    account.charge = entry.charge
    account.request = entry.request
    if (entry.charge.status === 'declined') ledger.declined += 1
    else {
      const totals = totalsOf(ledger, entry.charge.currency)
      totals.chargedMinor += entry.charge.amountMinor
      totals.count += 1
    }
  } else if (entry.type === 'void') {
    const account = accountOf(ledger, entry.void.key)
    account.void = entry.void
    if (account.charge !== undefined) totalsOf(ledger, account.charge.currency).voidedMinor += entry.void.returnedMinor
  } else {
    accountOf(ledger, entry.refund.chargeKey).refundedMinor += entry.refund.amountMinor
    ledger.refunds.set(entry.refund.key, entry.refund)
    totalsOf(ledger, entry.refund.currency).refundedMinor += entry.refund.amountMinor
  }
}

/** The payment methods that this provider knows, and what becomes of a charge by each. */
export const methods = {
  pm_ok: { outcome: 'succeeded', delay: 'none', reply: 'sent' },
  pm_declined: { outcome: 'declined', delay: 'none', reply: 'sent' },
  pm_slow: { outcome: 'succeeded', delay: 'slow', reply: 'sent' },
  pm_timeout_but_charged: { outcome: 'succeeded', delay: 'none', reply: 'lost' },
} as const satisfies Record<string, { outcome: Charge['status']; delay: 'none' | 'slow'; reply: 'sent' | 'lost' }>

/** What is simulated for a payment method; undefined for a name that is none. */
export const methodOf = (name: string) =>
  Object.hasOwn(methods, name) ? methods[name as keyof typeof methods] : undefined

/** A new answer comes with its entry; a repetition has none. */
export type Decision<T> = { readonly answer: T; readonly entry?: NewEntry }

/** Clock and randomness of one decision. */
export type Stamp = { readonly id: string; readonly createdAt: string }

/**
 * Answers a key with its first result, for ever. A void that came first wins over a charge that arrives later.
 * A charge that was made and then voided still answers its first result here; GET /charges shows what it is now.
 */
export function decideCharge(ledger: Ledger, key: string, request: ChargeRequest, stamp: Stamp): Decision<Charge> {
  const account = ledger.accounts.get(key)
  if (account?.charge !== undefined && account.request !== undefined) {
    if (!sameCharge(account.request, request))
      throw new Problem(422, 'idempotency_key_reused', 'this Idempotency-Key was used for another charge')
    return { answer: account.charge }
  }
  if (account?.void !== undefined)
    throw new Problem(409, 'charge_voided', 'this key was voided before a charge arrived: nothing is charged', {
      members: { charge: { key, status: 'voided' } },
    })
  const method = methodOf(request.method)
  if (method === undefined)
    throw new Problem(422, 'unknown_method', `payment method ${JSON.stringify(request.method)} is not known`)
  const charge: Charge = {
    id: `ch_${stamp.id}`,
    key,
    status: method.outcome,
    amountMinor: request.amountMinor,
    currency: request.currency,
    ...(method.outcome === 'declined' ? { declineCode: 'card_declined' } : {}),
    createdAt: stamp.createdAt,
  }
  return { answer: charge, entry: { type: 'charge', charge, request } }
}

/** Returns what is left of a charge; without a charge it bars the key. Repetitions get the first answer. */
export function decideVoid(ledger: Ledger, key: string, stamp: Stamp): Decision<Void> {
  const account = ledger.accounts.get(key)
  if (account?.void !== undefined) return { answer: account.void }
  const charged = account?.charge?.status === 'succeeded' ? account.charge.amountMinor : 0
  const returnedMinor = charged - (account?.refundedMinor ?? 0)
  const answer: Void = { id: `vd_${stamp.id}`, key, status: 'voided', returnedMinor, createdAt: stamp.createdAt }
  return { answer, entry: { type: 'void', void: answer } }
}

/** Never gives back more than was taken, over all refunds and a void together. */
export function decideRefund(ledger: Ledger, key: string, request: RefundRequest, stamp: Stamp): Decision<Refund> {
  const first = ledger.refunds.get(key)
  if (first !== undefined) {
    if (first.chargeKey !== request.chargeKey || first.amountMinor !== request.amountMinor)
      throw new Problem(422, 'idempotency_key_reused', 'this Idempotency-Key was used for another refund')
    return { answer: first }
  }
  const account = ledger.accounts.get(request.chargeKey)
  if (account?.void !== undefined)
    throw new Problem(409, 'charge_voided', 'this charge was voided: nothing is left to refund')
  if (account?.charge === undefined) throw new Problem(404, 'charge_not_found', 'no charge has this key')
  if (account.charge.status !== 'succeeded')
    throw new Problem(422, 'charge_not_refundable', 'a declined charge took no money')
  const leftMinor = account.charge.amountMinor - account.refundedMinor
  if (request.amountMinor > leftMinor)
    throw new Problem(422, 'refund_exceeds_charge', `at most ${leftMinor} minor units are left to refund`)
  const refund: Refund = {
    id: `re_${stamp.id}`,
    key,
    chargeKey: request.chargeKey,
    status: 'refunded',
    amountMinor: request.amountMinor,
    currency: account.charge.currency,
    createdAt: stamp.createdAt,
  }
  return { answer: refund, entry: { type: 'refund', refund } }
}

/** A charge as it is now, undefined for a key never seen. `netMinor` is what the payer has paid after all. */
export function currentCharge(ledger: Ledger, key: string) {
  const account = ledger.accounts.get(key)
  if (account === undefined) return undefined
  const charged = account.charge?.status === 'succeeded' ? account.charge.amountMinor : 0
  const voidedMinor = account.void?.returnedMinor ?? 0
  return {
    ...(account.charge ?? { key }),
    status: account.void !== undefined && account.charge?.status !== 'declined' ? 'voided' : account.charge?.status,
    refundedMinor: account.refundedMinor,
    voidedMinor,
    netMinor: charged - account.refundedMinor - voidedMinor,
  }
}

/** Sums over all currencies (they mean money only when there is one) and per currency; `count` = succeeded charges. */
export function currentTotals(ledger: Ledger) {
  const all: CurrencyTotals = { chargedMinor: 0, refundedMinor: 0, voidedMinor: 0, count: 0 }
  for (const each of ledger.totals.values()) {
    all.chargedMinor += each.chargedMinor
    all.refundedMinor += each.refundedMinor
    all.voidedMinor += each.voidedMinor
    all.count += each.count
  }
  return { ...all, declinedCount: ledger.declined, byCurrency: Object.fromEntries(ledger.totals) }
}

const sameCharge = (a: ChargeRequest, b: ChargeRequest) =>
  a.amountMinor === b.amountMinor && a.currency === b.currency && a.method === b.method && a.reference === b.reference

function accountOf(ledger: Ledger, key: string): Account {
  let account = ledger.accounts.get(key)
  if (account === undefined) {
    account = { refundedMinor: 0 }
    ledger.accounts.set(key, account)
  }
  return account
}

function totalsOf(ledger: Ledger, currency: string): CurrencyTotals {
  let totals = ledger.totals.get(currency)
  if (totals === undefined) {
    totals = { chargedMinor: 0, refundedMinor: 0, voidedMinor: 0, count: 0 }
    ledger.totals.set(currency, totals)
  }
  return totals
}
