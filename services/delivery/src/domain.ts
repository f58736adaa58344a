/**
 * A parcel as a pure state machine. Delivery acts only on what orders says (reliability rule 6): `created` drafts, `paid`
 * schedules; then time does the rest.
 *
 *   draft ─paid▶ scheduled ─due▶ shipped ─due▶ delivered
 *     │              │              ├─due▶ failed      (method dm_fail)
 *     └── cancelled ◀┘              └─ended▶ returned
 */
import type { DeliveryStatus } from '@svyaz/contracts/http/delivery.ts'

export interface Parcel {
  orderId: string
  userId: string
  status: DeliveryStatus
  method: string
  trackingNumber: string
  /** Counts the published events. */
  version: number
  /** RFC 3339: when time acts next; undefined = never. */
  dueAt: string | undefined
  shippedAt: string | undefined
}

export type Input = { type: 'paid' } | { type: 'ended' } | { type: 'due' }
export interface Times {
  now: number
  shipAfterMs: number
  deliverAfterMs: number
}

export type Said =
  | 'delivery.scheduled'
  | 'delivery.shipped'
  | 'delivery.delivered'
  | 'delivery.failed'
  | 'delivery.returned'
export interface Outcome {
  parcel: Parcel
  said?: Said
}

const iso = (ms: number): string => new Date(ms).toISOString()

/** Undefined: nothing happens. */
export const decide = (
  parcel: Parcel,
  input: Input,
  { now, shipAfterMs, deliverAfterMs }: Times,
): Outcome | undefined => {
  const become = (status: DeliveryStatus, said: Said | undefined, more: Partial<Parcel> = {}): Outcome => ({
    parcel: { ...parcel, dueAt: undefined, ...more, status, version: parcel.version + (said ? 1 : 0) },
    ...(said ? { said } : {}),
  })
  switch (input.type) {
    case 'paid':
      return parcel.status === 'draft'
        ? become('scheduled', 'delivery.scheduled', { dueAt: iso(now + shipAfterMs) })
        : undefined
    case 'ended':
      if (parcel.status === 'draft' || parcel.status === 'scheduled') return become('cancelled', undefined)
      return parcel.status === 'shipped' ? become('returned', 'delivery.returned') : undefined
    case 'due':
      if (parcel.dueAt === undefined || Date.parse(parcel.dueAt) > now) return undefined
      if (parcel.status === 'scheduled') {
        return become('shipped', 'delivery.shipped', { shippedAt: iso(now), dueAt: iso(now + deliverAfterMs) })
      }
      if (parcel.status !== 'shipped') return undefined
      return parcel.method === 'dm_fail'
        ? become('failed', 'delivery.failed')
        : become('delivered', 'delivery.delivered')
  }
}

const places = ['warehouse', 'sorting centre', 'on the road', 'in your town', 'at your door'] as const

/** Where the parcel is: 0 to 1 between shipping and arrival, and the name of the place. */
export const positionOf = (parcel: Parcel, now: number): { progress: number; place: string } => {
  if (parcel.status === 'delivered') return { progress: 1, place: places[4] }
  if (parcel.status === 'failed') return { progress: 1, place: 'lost on the way' }
  if (parcel.status === 'returned') return { progress: 0, place: 'back in the warehouse' }
  if (parcel.status !== 'shipped' || !parcel.shippedAt || !parcel.dueAt) return { progress: 0, place: places[0] }
  const start = Date.parse(parcel.shippedAt)
  const span = Math.max(Date.parse(parcel.dueAt) - start, 1)
  const progress = Math.min(Math.max((now - start) / span, 0), 0.99)
  return { progress: Math.round(progress * 100) / 100, place: places[Math.min(Math.floor(progress * 4), 3)]! }
}
