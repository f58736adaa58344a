/** What is seen of one order from outside. */

import type { Hop } from '@svyaz/observe/traces.ts'
import type { OrderWish } from './outside.ts'

export interface Journey {
  readonly orderId: string
  readonly userId: string
  readonly wish: OrderWish
  readonly status: string
  readonly version: number
  readonly totalMinor: number
  readonly traceId: string
  readonly frames: readonly { readonly cursor: number; readonly kind: string; readonly eventId: string }[]
  readonly positions: number
  readonly records: readonly Said[]
  /** Without SQL statements, which are only counted. */
  readonly hops: readonly Hop[]
  readonly statements: number
  readonly payment: { readonly status: string; readonly worker: string }
  readonly delivery: string
  /** The provider's books: charged positive, returned negative, minor units. */
  readonly ledger: readonly number[]
  readonly mails: readonly { readonly messageId: string; readonly subject: string }[]
}

/** A record of an order in a topic. */
export interface Said {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly type: string
  readonly id: string
  /** When the event was made, RFC 3339. */
  readonly time: string
  /** Of the order; 0 in topics that have none. */
  readonly version: number
}

interface Ending {
  /** Event types that come last, each once. */
  readonly types: readonly string[]
  /** Whether the trace of an order so wished has arrived. */
  readonly hops: (hops: readonly Hop[], wish: OrderWish) => boolean
}

/** Whether each gRPC call is told by both its ends: the server's span has no child elsewhere that would miss it. */
const answered = (hops: readonly Hop[]): boolean => {
  const ends = (end: Hop['kind']) => hops.filter(({ over, kind }) => over === 'grpc' && kind === end).length
  return ends('server') >= ends('client')
}

/** Spans come in batches: until all parents are there, the last ones are missing. */
const mailed = (event: string) => (hops: readonly Hop[]) =>
  answered(hops) &&
  hops.filter(({ from }) => from === undefined).length === 1 &&
  hops.some(({ over, kind }) => over === 'mail' && kind === 'client') &&
  hops.some((hop) => hop.kind === 'consumer' && hop.event === event && hop.service === 'notifications') &&
  hops.some((hop) => hop.over === 'websocket')

/** Whether the calls of a completed order are there: no other span would miss one of them, were both its ends still to come. */
const called = (hops: readonly Hop[], { payment }: OrderWish): boolean =>
  ['/CheckAvailability', '/GetOrder', ...(payment === 'now' ? ['/ProcessPayment'] : [])].every((method) =>
    grpcHops(hops).some(({ what }) => what?.endsWith(method)),
  )

const endings: Readonly<Record<string, Ending>> = {
  completed: {
    types: ['order.completed', 'delivery.delivered', 'mail.sent'],
    hops: (hops, wish) => called(hops, wish) && mailed('order.completed')(hops),
  },
  rejected: { types: ['order.rejected', 'stock.released'], hops: mailed('order.rejected') },
  cancelled: { types: ['order.cancelled', 'stock.released'], hops: mailed('order.cancelled') },
}

/** What must be seen before an order of that status is looked at. */
export const finalOf = (status: string): Ending => endings[status] ?? { types: [], hops: () => true }

/** Whether the order has a record of that type in a topic. */
export const has = (journey: Pick<Journey, 'records'>, type: string): boolean =>
  journey.records.some((record) => record.type === type)

/** When the first event of a type was made; empty when there is none. Topics are read side by side: places say no order. */
export const timeOf = (journey: Pick<Journey, 'records'>, type: string): string =>
  journey.records.find((record) => record.type === type)?.time ?? ''

/** Ledger entries added up: what the provider holds. */
export const heldBy = (entries: readonly number[]): number => entries.reduce((sum, amount) => sum + amount, 0)

/** What the books of an order say, without the trace. */
export type Books = Pick<
  Journey,
  'orderId' | 'status' | 'totalMinor' | 'payment' | 'delivery' | 'ledger' | 'positions' | 'records'
>

/** A journey without its trace. */
export const booksOf = (journey: Journey): Books => {
  const { orderId, status, totalMinor, payment, delivery, ledger, positions, records } = journey
  return { orderId, status, totalMinor, payment, delivery, ledger, positions, records }
}

/** Only the gRPC calls as their servers saw them. */
export const grpcHops = (hops: readonly Hop[]): Hop[] =>
  hops.filter(({ over, kind }) => over === 'grpc' && kind === 'server')
