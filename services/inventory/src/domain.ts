/**
 * Reservations as a pure state machine: (reservation, input) → (reservation, moves of stock, what is said). A move takes
 * a quantity from one column of a product's stock to another, so available + reserved + sold never changes by it.
 *
 *   waiting ──due──▶ reserved ──order.paid──▶ sold
 *      │  └────────▶ rejected (not enough)      │
 *      └── closed ◀── order.cancelled/rejected ─┘   (released from reserved, put back from sold)
 */
export interface Line {
  productId: string
  quantity: number
}

export type ReservationState = 'waiting' | 'reserved' | 'rejected' | 'sold' | 'closed'

export interface Reservation {
  orderId: string
  /** The version of the order that set these items; answers echo it, older ones are ignored. */
  itemsVersion: number
  state: ReservationState
  items: readonly Line[]
}

export type Column = 'available' | 'reserved' | 'sold'
export interface Move {
  productId: string
  quantity: number
  from: Column
  to: Column
}

export type Input =
  /** `waitMs`: what is left of the change window. */
  | { type: 'items'; itemsVersion: number; items: readonly Line[]; waitMs: number; orderId: string }
  | { type: 'paid' }
  | { type: 'ended' }
  | { type: 'due'; missing: readonly { productId: string; requested: number; available: number }[] }

export interface Outcome {
  reservation: Reservation
  moves: readonly Move[]
  /** It is due so long from now; absent: that is as it was. */
  waitMs?: number
  released?: 'reserved' | 'sold'
}

const movesOf = (items: readonly Line[], from: Column, to: Column): Move[] =>
  items.map(({ productId, quantity }) => ({ productId, quantity, from, to }))

/** Undefined: nothing to do (an older version, a repeated or late input). */
export const decide = (before: Reservation | undefined, input: Input): Outcome | undefined => {
  if (input.type === 'items') {
    if (before && (before.itemsVersion >= input.itemsVersion || before.state === 'sold' || before.state === 'closed')) {
      return undefined
    }
    const { orderId, itemsVersion, items, waitMs } = input
    return {
      reservation: { orderId, itemsVersion, items, state: 'waiting' },
      waitMs,
      moves: before?.state === 'reserved' ? movesOf(before.items, 'reserved', 'available') : [],
    }
  }
  if (!before) return undefined
  switch (input.type) {
    case 'due':
      if (before.state !== 'waiting') return undefined
      return input.missing.length > 0
        ? { reservation: { ...before, state: 'rejected' }, moves: [] }
        : { reservation: { ...before, state: 'reserved' }, moves: movesOf(before.items, 'available', 'reserved') }
    case 'paid':
      if (before.state !== 'reserved') return undefined
      return { reservation: { ...before, state: 'sold' }, moves: movesOf(before.items, 'reserved', 'sold') }
    case 'ended':
      if (before.state === 'closed') return undefined
      if (before.state === 'reserved' || before.state === 'sold') {
        return {
          reservation: { ...before, state: 'closed' },
          moves: movesOf(before.items, before.state, 'available'),
          released: before.state,
        }
      }
      return { reservation: { ...before, state: 'closed' }, moves: [] }
  }
}
