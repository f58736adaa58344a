/** The order saga, asked what it can do: every input in every state that can be reached. */
import { type OrderStatus, orderStatuses } from '../../contracts/http/order-terms.ts'
import type { Order } from '../../services/orders/src/domain.ts'
import { allowed, create, decide, type SagaInput } from '../../services/orders/src/saga.ts'
import { code, mermaid, table } from './regions.ts'

const at = '2026-01-01T00:00:00.000Z'
const money = { amountMinor: 100, currency: 'EUR' } as const

const inputs = (order: Order): SagaInput[] => [
  { type: 'stock.reserved', itemsVersion: order.itemsVersion },
  { type: 'stock.rejected', itemsVersion: order.itemsVersion, missing: [] },
  { type: 'stock.released', from: 'reserved' },
  { type: 'processPayment.charged', processorId: 'p' },
  { type: 'processPayment.declined', reason: 'r' },
  { type: 'processPayment.unknown', reason: 'r' },
  { type: 'payment.completed', worker: 'w', processorId: 'p' },
  { type: 'payment.failed', worker: 'w', reason: 'r' },
  { type: 'payment.refunded', worker: 'w' },
  { type: 'payment.voided', worker: 'w' },
  { type: 'delivery.scheduled', tracking: 't' },
  { type: 'delivery.shipped', tracking: 't' },
  { type: 'delivery.delivered', tracking: 't' },
  { type: 'delivery.returned', tracking: 't' },
  { type: 'delivery.failed', reason: 'r' },
  { type: 'change', items: order.items, reserveAt: at },
  { type: 'cancel', reason: 'r', by: 'user' },
  { type: 'user.blocked' },
]

export interface Transition {
  from: OrderStatus
  input: SagaInput['type']
  to: OrderStatus
  said: readonly string[]
}

/** Every step that says something, in the order in which the states are reached. */
export function transitions(): Transition[] {
  const found = new Map<string, Transition>()
  const seen = new Set<string>()
  const waiting = (['queue', 'now'] as const).map((payment) => create(first(payment), { at }).order)
  for (let order = waiting.shift(); order !== undefined; order = waiting.shift()) {
    const state = `${order.status} ${order.paymentStep} ${order.payment}`
    if (seen.has(state)) continue
    seen.add(state)
    for (const input of inputs(order)) {
      const { order: after, said } = decide(order, input, { at })
      if (said.length > 0) {
        const row = { from: order.status, input: input.type, to: after.status, said: said.map(({ type }) => type) }
        found.set(JSON.stringify(row), row)
      }
      waiting.push(after)
    }
  }
  return [...found.values()].sort((a, b) => orderStatuses.indexOf(a.from) - orderStatuses.indexOf(b.from))
}

const first = (payment: Order['payment']): Order => ({
  id: 'o',
  userId: 'u',
  status: 'pending',
  version: 1,
  itemsVersion: 1,
  items: [{ productId: 'P-1001', quantity: 1, name: 'Lamp', unitPrice: money }],
  total: money,
  payment,
  paymentMethod: 'pm_ok',
  deliveryMethod: 'dm_ok',
  paymentStep: 'idle',
  reserveAt: at,
  createdAt: at,
  updatedAt: at,
  history: [],
})

/** The order's states as a Mermaid diagram, tried out on the saga itself. */
export function sagaDiagram(): string {
  const moves = transitions().filter(({ from, to }) => from !== to)
  const arrows = Map.groupBy(moves, ({ from, to }) => `${from} --> ${to}`)
  const ends = orderStatuses.filter((status) => !moves.some(({ from }) => from === status))
  return mermaid([
    'stateDiagram-v2',
    '  [*] --> pending: order.created',
    ...[...arrows].map(([arrow, list]) => `  ${arrow}: ${[...new Set(list.map(({ input }) => input))].join(', ')}`),
    ...ends.map((status) => `  ${status} --> [*]`),
  ])
}

/** The same moves as a table, with what is said. */
export function sagaTable(): string {
  return table(
    ['status', 'on', 'becomes', 'says'],
    transitions().map(({ from, input, to, said }) => [from, code(input), to, said.map(code).join(', ')]),
  )
}

/** Which wish of the user each status allows. */
export function sagaWishes(): string {
  const wishes = Object.keys(allowed) as (keyof typeof allowed)[]
  return table(
    ['status', ...wishes],
    orderStatuses.map((status) => [status, ...wishes.map((wish) => (allowed[wish].has(status) ? 'yes' : '409'))]),
  )
}
