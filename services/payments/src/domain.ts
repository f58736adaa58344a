/**
 * A payment as a pure state machine (reliability rule 5). Wishes only store an intent; a worker that holds the lease
 * calls the processor and records the definite result. `next(payment)` is the call that the processor is due.
 *
 *   requested ─▶ charging ─▶ charged ─▶ refunding ─▶ refunded
 *       │            ├─▶ declined
 *       └────────────┴─▶ voided        (undone before the charge was known: the processor refuses a later arrival)
 */
import type { PaymentStatus } from '@svyaz/contracts/http/payments.ts'

/** `charge` and `undo` may be wished; an undo wins over a charge that is not yet definite. */
export type Intent = 'charge' | 'undo'

export interface Payment {
  orderId: string
  userId: string
  status: PaymentStatus
  amountMinor: number
  method: string
  intent: Intent | undefined
  /** Counts the published events. */
  version: number
  reason: string | undefined
  processorId: string | undefined
}

export type Wish = { type: 'open' } | { type: 'charge'; blocked: boolean } | { type: 'undo' } | { type: 'close' }
export type Result =
  | { type: 'charged'; processorId: string }
  | { type: 'declined'; reason: string }
  | { type: 'voided' }
  | { type: 'refunded' }

export type Said = 'payment.completed' | 'payment.failed' | 'payment.voided' | 'payment.refunded'
export interface Outcome {
  payment: Payment
  said?: Said
}

const say = (payment: Payment, said: Said, more: Partial<Payment>): Outcome => ({
  payment: { ...payment, intent: undefined, ...more, version: payment.version + 1 },
  said,
})

/** Undefined: nothing changes. */
export const wish = (payment: Payment, input: Wish): Outcome | undefined => {
  const { status, intent } = payment
  switch (input.type) {
    case 'open':
      return undefined
    case 'charge':
      if (status !== 'requested' || intent !== undefined) return undefined
      if (input.blocked) return say(payment, 'payment.failed', { status: 'declined', reason: 'user_blocked' })
      return { payment: { ...payment, intent: 'charge' } }
    case 'undo':
      if (intent === 'undo') return undefined
      if (status === 'declined') return say(payment, 'payment.voided', { status: 'voided' })
      if (status === 'requested' && intent === undefined) return say(payment, 'payment.voided', { status: 'voided' })
      if (status === 'requested' || status === 'charging' || status === 'charged') {
        return { payment: { ...payment, intent: 'undo' } }
      }
      return undefined
    case 'close':
      // The order ended before any charge was asked for: nobody waits for an answer.
      if (status !== 'requested' || intent !== undefined) return undefined
      return { payment: { ...payment, status: 'voided', reason: 'order_ended' } }
  }
}

/** What a worker has to ask the processor, and the status it works under. */
export const next = (payment: Payment): { call: 'charge' | 'void' | 'refund'; status: PaymentStatus } | undefined => {
  if (payment.intent === 'charge') return { call: 'charge', status: 'charging' }
  if (payment.intent !== 'undo') return undefined
  if (payment.status === 'charged' || payment.status === 'refunding') return { call: 'refund', status: 'refunding' }
  return { call: 'void', status: payment.status }
}

/** A definite answer of the processor. An undo that was wished meanwhile stays to be done. */
export const record = (payment: Payment, result: Result): Outcome => {
  switch (result.type) {
    case 'charged': {
      const undo = payment.intent === 'undo' ? ({ intent: 'undo' } as const) : {}
      return say(payment, 'payment.completed', { status: 'charged', processorId: result.processorId, ...undo })
    }
    case 'declined':
      if (payment.intent === 'undo') return say(payment, 'payment.voided', { status: 'voided', reason: result.reason })
      return say(payment, 'payment.failed', { status: 'declined', reason: result.reason })
    case 'voided':
      return say(payment, 'payment.voided', { status: 'voided' })
    case 'refunded':
      return say(payment, 'payment.refunded', { status: 'refunded' })
  }
}

/** Full jitter over a doubling bound, in ms. */
export const backOffMs = (attempts: number, firstMs: number, maxMs: number, random: number): number =>
  Math.ceil(random * Math.min(firstMs * 2 ** Math.min(attempts, 20), maxMs))
