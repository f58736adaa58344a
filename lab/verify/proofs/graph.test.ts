/** Evidence of the graph, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R1.8'> = {
  'R1.8': [
    [
      'the order is not there',
      /status is undefined in the graph/,
      (e) => {
        e.joined = {} as typeof e.joined
      },
    ],
    [
      'a field could not be had',
      /the answer has errors/,
      (e) => {
        e.errors = [{ message: 'delivery is not reachable', path: ['order', 'parcel'] }]
      },
    ],
    [
      'users is away',
      /email is undefined in the graph/,
      (e) => {
        delete (e.joined as { email?: string }).email
      },
    ],
    [
      'a product is another one',
      /products is .* in the graph/,
      (e) => {
        e.joined.products.reverse()
      },
    ],
    [
      'the payment is missing',
      /paid is "undefined undefined" in the graph/,
      (e) => {
        e.joined.paid = 'undefined undefined'
      },
    ],
    [
      'the parcel is not that of REST',
      /parcel is .* by REST/,
      (e) => {
        e.joined.parcel = 'draft SV000000000000'
      },
    ],
    [
      'one service answers for another',
      /payments was asked 0 times/,
      (e) => {
        e.asked = e.asked.filter((service) => service !== 'payments')
      },
    ],
    [
      'a service is asked again for each product',
      /inventory was asked 2 times/,
      (e) => {
        e.asked.push('inventory')
      },
    ],
    [
      'each product costs a statement',
      /inventory needed 2 SQL statements/,
      (e) => {
        e.statements.push('inventory')
      },
    ],
    [
      'another user sees the order',
      /another user is answered/,
      (e) => {
        e.foreign.order = { id: 'it' }
      },
    ],
    [
      'another user is told that it exists',
      /another user is answered/,
      (e) => {
        e.foreign.code = 'forbidden'
      },
    ],
  ],
}

sees(breaks)
