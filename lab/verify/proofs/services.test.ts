/** Evidence of orders, configuration, discovery, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R2.2' | 'R2.8' | 'R2.9'> = {
  'R2.2': [
    [
      'the stock is not checked',
      /stock was not checked/,
      (e) => {
        e.stockChecked = false
      },
    ],
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
      'the list is always empty',
      /was placed and is not in the list of 0/,
      (e) => {
        e.exchanges.find(({ case: what }) => what === 'of a user')!.body = []
      },
    ],
    [
      'an order of nothing for nothing',
      /its items are \[\]/,
      (e) => void Object.assign(e.exchanges[0]!.body as object, { totalPrice: 0, items: [] }),
    ],
    [
      'it costs nothing',
      /totalPrice is 0, the catalogue says/,
      (e) => void Object.assign(e.exchanges[1]!.body as object, { totalPrice: 0 }),
    ],
    [
      'another order is answered than the one asked for',
      /GET \/orders\/\{id\}: asked for .*, answered 00000000/,
      (e) => {
        const read = e.exchanges.find(({ case: what }) => what === 'one that is there')!
        Object.assign(read.body as object, { id: '00000000-0000-4000-8000-000000000001' })
      },
    ],
    [
      'the list has orders of somebody else',
      /GET \/orders, .*: it is of the user somebody/,
      (e) => {
        const [first] = e.exchanges.find(({ case: what }) => what === 'of a user')!.body as object[]
        Object.assign(first!, { userId: 'somebody' })
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
    [
      'the change is not told',
      /is not in its topic/,
      (e) => {
        e.event = ''
      },
    ],
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
      'a registration lacks its HTTP port',
      /orders-1 is registered without its http port/,
      (e) => void delete e.registered.find(({ id }) => id === 'orders-1')!.ports.http,
    ],
    [
      'a registration lacks its gRPC port',
      /payments-2 is registered without its grpc port/,
      (e) => void delete e.registered.find(({ id }) => id === 'payments-2')!.ports.grpc,
    ],
    [
      'a TTL never runs out',
      /without a report and the TTL check still passes/,
      (e) => {
        e.ttl.expired = 1
      },
    ],
    [
      'a TTL passes unheard',
      /before anybody reported/,
      (e) => {
        e.ttl.unheard = 1
      },
    ],
    [
      'a report is not taken',
      /is not passing/,
      (e) => {
        e.ttl.reported = 0
      },
    ],
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
