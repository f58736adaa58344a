/** Evidence of orders, configuration, discovery, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R2.2' | 'R2.8' | 'R2.9'> = {
  'R2.2': [
    [
      'totalPrice becomes a string',
      /totalPrice/,
      (e) => {
        ;(e.exchanges[0]!.body as { totalPrice: unknown }).totalPrice = '49.90'
      },
    ],
    [
      'the order loses its userId',
      /userId is missing/,
      (e) => void delete (e.exchanges[0]!.body as { userId?: string }).userId,
    ],
    [
      'a list is wrapped',
      /not of type array/,
      (e) => {
        e.exchanges.find(({ operation }) => operation === 'GET /orders')!.body = { items: [] }
      },
    ],
    [
      'an unknown order is 200',
      /200 instead of 404/,
      (e) => {
        e.exchanges.find(({ expected }) => expected === 404)!.status = 200
      },
    ],
    [
      'an operation is gone',
      /was not played/,
      (e) => {
        e.exchanges = e.exchanges.filter(({ operation }) => operation !== 'GET /orders')
      },
    ],
    [
      'the user is not checked',
      /not checked over HTTP/,
      (e) => {
        e.userChecked = false
      },
    ],
    [
      'a change is refused',
      /the change/,
      (e) => {
        e.changed.status = 409
      },
    ],
    [
      'a cancelled order completes',
      /ended completed/,
      (e) => {
        e.ended = 'completed'
      },
    ],
  ],
  'R2.8': [
    ['an instance misses the change', /of \d+ instances/, (e) => void e.applied.pop()],
    [
      'it takes a restart',
      /restarted/,
      (e) => {
        e.applied[0]!.pid += 1
      },
    ],
    [
      'wrong values are taken',
      /wrong values/,
      (e) => {
        e.refused = [200, 400]
      },
    ],
    [
      'a refused change is half done',
      /the value is 1/,
      (e) => {
        e.kept = 1
      },
    ],
  ],
  'R2.9': [
    ['an instance is not registered', /runs and is not registered/, (e) => void e.registered.shift()],
    ['a dead instance is listed', /does not run/, (e) => void e.registered.push({ id: 'orders-9', ports: {} })],
    [
      'a wrong port',
      /listens on/,
      (e) => {
        e.registered[0]!.ports.http = '1'
      },
    ],
    [
      'the gateway does not see the new one',
      /never the new instance/,
      (e) => {
        e.calls = ['payments-1']
      },
    ],
    ['a stopped instance stays', /still listed/, (e) => void e.shrunk.push('payments-3')],
  ],
}

sees(breaks)
