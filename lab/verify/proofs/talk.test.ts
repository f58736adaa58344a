/** Evidence of ways to talk, damaged as a broken part would damage it. */
import { type Breaks, sees, withoutHop } from '../breaks.ts'

const breaks: Breaks<'R1.1' | 'R1.2' | 'R1.3' | 'R1.5' | 'R1.6'> = {
  'R1.1': [
    [
      'Swagger UI is gone',
      /Swagger/,
      (e) => {
        e.page.status = 404
      },
    ],
    [
      'an operation is not documented',
      /POST \/orders is not in/,
      (e) => {
        e.operations = e.operations.filter(({ path, method }) => !(path === '/orders' && method === 'POST'))
      },
    ],
    [
      'an operation breaks',
      /answers 500/,
      (e) => {
        e.operations[0] = { ...e.operations[0]!, documented: [200], answered: [500] }
      },
    ],
    [
      'every operation is answered 503, as documented',
      /GET \/products answers 503 to a good request/,
      (e) => {
        for (const one of e.operations) Object.assign(one, { answered: [503, 503], good: 503 })
      },
    ],
    [
      'nonsense is answered 500, which every operation documents',
      /POST \/orders answers 500 to nonsense/,
      (e) => {
        for (const one of e.operations) one.answered = [500, 500]
      },
    ],
    [
      'one good request is refused',
      /PATCH \/orders\/\{id\} answers 409 to a good request/,
      (e) => {
        e.operations.find(({ method }) => method === 'PATCH')!.good = 409
      },
    ],
    [
      'an operation is asked nothing but nonsense',
      /POST \/auth\/refresh was asked no good request/,
      (e) => void delete e.operations.find(({ path }) => path === '/auth/refresh')!.good,
    ],
    [
      'services no longer use HTTP',
      /no trace/,
      (e) => {
        e.ordersAskedUsers = false
      },
    ],
  ],
  'R1.2': [
    ['a unary call is gone', /GetOrder/, (e) => withoutHop(e, '/GetOrder')],
    ['payments is no longer called', /ProcessPayment/, (e) => withoutHop(e, '/ProcessPayment')],
    ['users asks nobody', /GetUserDetails/, (e) => withoutHop(e, '/GetUserDetails')],
    ['stock is not asked for', /availability/, (e) => withoutHop(e, '/CheckAvailability')],
    [
      'the server stream ends at once',
      /server stream/,
      (e) => {
        e.followed = 1
      },
    ],
    [
      'the client stream loses a line',
      /client stream/,
      (e) => {
        e.restocked.lines = 1
      },
    ],
    ['positions come by another way', /no trace has TrackDeliveries/, (e) => withoutHop(e, '/TrackDeliveries')],
    [
      'the bidirectional stream is silent',
      /bidirectional/,
      (e) => {
        e.positions = 0
      },
    ],
  ],
  'R1.3': [
    ['a frame is lost over the reconnection', /cursors/, (e) => void e.cursors.splice(3, 1)],
    ['a frame comes twice', /cursors/, (e) => void e.cursors.push(e.cursors.at(-1)!)],
    [
      'a step is not told',
      /frames of the order/,
      (e) => {
        e.kinds = e.kinds.filter((kind) => kind !== 'order.paid')
      },
    ],
    [
      'anybody may listen',
      /made-up token/,
      (e) => {
        e.refused = false
      },
    ],
  ],
  'R1.5': [
    [
      'a subscriber misses the event',
      /delivery handled the event 0 times/,
      (e) => {
        e.handled = e.handled.filter((group) => group !== 'delivery')
      },
    ],
    ['a subscriber handles it twice', /inventory handled the event 2 times/, (e) => void e.handled.push('inventory')],
    ['a task is lost', /results of/, (e) => void e.tasks.completed.pop()],
    [
      'one worker does it all',
      /only payments-1/,
      (e) => {
        e.tasks.workers = e.tasks.workers.map(() => 'payments-1')
      },
    ],
    [
      'two workers own one partition',
      /own one partition/,
      (e) => void e.tasks.groups[0]!.members[0]!.partitions.push(e.tasks.groups[0]!.members[1]!.partitions[0]!),
    ],
  ],
  'R1.6': [
    [
      'inventory does not react',
      /inventory did not react/,
      (e) => {
        e.reacted = e.reacted.filter((service) => service !== 'inventory')
      },
    ],
    [
      'no payment order',
      /payment order/,
      (e) => {
        e.payment = 'none'
      },
    ],
    [
      'no draft',
      /shipment/,
      (e) => {
        e.draft = false
      },
    ],
    [
      'no mail',
      /no mail/,
      (e) => {
        e.mails = []
      },
    ],
  ],
}

sees(breaks)
