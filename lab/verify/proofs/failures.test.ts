/** Evidence of failures, damaged as a broken part would damage it. */
import { type Breaks, sees, without } from '../breaks.ts'

const breaks: Breaks<'R4.1' | 'R4.2' | 'R4.3' | 'R4.4' | 'R4.5' | 'R4.6'> = {
  'R4.1': [
    [
      'a route with a substitute gives an error',
      /substitute/,
      (e) => {
        e.substitute = 503
      },
    ],
    [
      'a slow 503',
      /took/,
      (e) => {
        e.answers[0]!.tookMs = 10_000
      },
    ],
    [
      'no Retry-After',
      /Retry-After/,
      (e) => {
        e.answers[0]!.retryAfter = ''
      },
    ],
    [
      'an error instead',
      /answered 500/,
      (e) => {
        e.answers[0]!.status = 500
      },
    ],
    [
      'no breaker opens',
      /no breaker opened/,
      (e) => {
        e.states.away = 0
      },
    ],
    [
      'the breaker stays open',
      /did not close/,
      (e) => {
        e.states.back = 1
      },
    ],
    [
      'the order is lost',
      /ended rejected/,
      (e) => {
        e.ended = 'rejected'
      },
    ],
    ['charged twice', /booked/, (e) => void e.ledger.push(e.total)],
  ],
  'R4.2': [
    [
      'nothing waits',
      /did not wait/,
      (e) => {
        e.waiting = false
      },
    ],
    [
      'the event is lost',
      /ended pending/,
      (e) => {
        e.ended = 'pending'
      },
    ],
    [
      'order.created never comes',
      /order\.created is not in the topic/,
      (e) => {
        e.ids = without(e.ids, 'order.created')
      },
    ],
    ['told twice, as two events', /two events/, (e) => void e.ids.push({ id: 'another', type: e.ids[0]!.type })],
  ],
  'R4.3': [
    [
      'the other gateway is away too',
      /other gateway/,
      (e) => {
        e.spare = 503
      },
    ],
    [
      'the killed one does not come back',
      /restarted gateway/,
      (e) => {
        e.back = 503
      },
    ],
  ],
  'R4.4': [
    [
      'orders need discovery',
      /without discovery/,
      (e) => {
        e.ended[1] = 'pending'
      },
    ],
    [
      'discovery forgets',
      /forgot/,
      (e) => {
        e.listed = 0
      },
    ],
    [
      'nobody restarts it',
      /not restarted/,
      (e) => {
        e.restarted = false
      },
    ],
  ],
  'R4.5': [
    [
      'a process stays dead',
      /was not restarted/,
      (e) => {
        e.restarted[0]!.replaced = false
      },
    ],
    ['an order is lost', /11 of 12/, (e) => void e.orders.pop()],
    [
      'an order hangs',
      /ended paid/,
      (e) => {
        e.orders[0]!.status = 'paid'
      },
    ],
    ['an order is charged twice', /booked/, (e) => void e.orders[0]!.ledger.push(e.orders[0]!.total)],
    [
      'a version is missing in the topic',
      /versions/,
      (e) => {
        e.orders[0]!.versions = e.orders[0]!.versions.filter(({ version }) => version !== 2)
      },
    ],
  ],
  'R4.6': [
    [
      'stock is kept',
      /release/,
      (e) => {
        e.refused.records = without(e.refused.records, 'stock.released')
      },
    ],
    [
      'money is kept',
      /books/,
      (e) => {
        e.failed.ledger = [100]
      },
    ],
    [
      'the refund comes first',
      /refund came before the failure/,
      (e) => {
        e.failed.records.find(({ type }) => type === 'payment.refunded')!.time = '2026-01-01T00:00:00.000Z'
      },
    ],
    [
      'stock is put back before the money',
      /the stock was put back before the money/,
      (e) => {
        const failure = e.failed.records.find(({ type }) => type === 'delivery.failed')!
        e.failed.records.find(({ type }) => type === 'stock.released')!.time = failure.time
      },
    ],
  ],
}

sees(breaks)
