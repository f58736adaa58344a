/**
 * What people do, as data that another load tool can be driven by too (`npm run load -- --scenarios` prints it as JSON).
 * `{name}` in a path or body is filled in: `{product}` is drawn, `{key}` is new for each journey, others were kept by an
 * earlier step.
 */

export interface Step {
  /** Names the step in the results. */
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** Sent as JSON. */
  readonly body?: Readonly<Record<string, unknown>>
  readonly headers?: Readonly<Record<string, string>>
  /** Without a token when absent. */
  readonly signedIn?: true
  /** What the answer is expected to be; anything else is an error. */
  readonly statuses: readonly number[]
  /** Fields of the answer that later steps use: name here, name there. */
  readonly keep?: Readonly<Record<string, string>>
  /** Somebody thinks before it, milliseconds. */
  readonly afterMs?: number
  /** The answer is a stream of server-sent events: it is done when one of them has this status. */
  readonly until?: string
}

export interface Scenario {
  readonly name: string
  /** How often among the others. */
  readonly weight: number
  readonly steps: readonly Step[]
  /** The notification stream of the user is open over WebSocket: done when a frame of this kind about the order comes. */
  readonly frame?: string
}

const place = (payment: 'queue' | 'now'): Step => ({
  name: payment === 'now' ? 'order, paid now' : 'order',
  method: 'POST',
  path: '/orders',
  body: { items: [{ productId: '{product}', quantity: 1 }], payment },
  headers: { 'idempotency-key': '{key}' },
  signedIn: true,
  statuses: [201],
  keep: { order: 'id' },
})

const read: Step = {
  name: 'read the order',
  method: 'GET',
  path: '/orders/{order}',
  signedIn: true,
  statuses: [200],
  afterMs: 300,
}

export const scenarios: readonly Scenario[] = [
  {
    name: 'browse',
    weight: 60,
    steps: [
      { name: 'products', method: 'GET', path: '/products', statuses: [200] },
      { name: 'product', method: 'GET', path: '/products/{product}', statuses: [200], afterMs: 200 },
    ],
  },
  { name: 'order', weight: 15, steps: [place('queue'), read] },
  { name: 'pay now', weight: 10, steps: [place('now'), read] },
  {
    name: 'cancel',
    weight: 5,
    steps: [
      place('queue'),
      {
        name: 'cancel',
        method: 'POST',
        path: '/orders/{order}/cancel',
        signedIn: true,
        // 409: it was shipped before.
        statuses: [200, 202, 409],
        afterMs: 200,
      },
    ],
  },
  {
    name: 'follow',
    weight: 5,
    steps: [
      place('queue'),
      {
        name: 'follow to the end',
        method: 'GET',
        path: '/orders/{order}/follow',
        signedIn: true,
        statuses: [200],
        until: 'completed',
      },
    ],
  },
  { name: 'be notified', weight: 5, steps: [place('queue')], frame: 'order.paid' },
]
