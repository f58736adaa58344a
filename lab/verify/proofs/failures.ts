/** R4: when things fail. Each proof brings everything back before it ends. */

import type { Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import { booksOf, has, heldBy, timeOf } from '../journey.ts'
import { declined, undeliverable } from '../journeys.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { killing, withInstances, without } from './as-before.ts'
import { withEchoRoute } from './identity.ts'

export const serviceDown = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Patience')
    const away = await without(outside, 'payments', async () => {
      const order = await outside.order(user, { payment: 'now' })
      const told = await until('the fallback to be told', async () =>
        (await user.story(order.id)).steps.find(({ code }) => code === 'charge_fell_back'),
      )
      outside.note(`GET /orders/${order.id}/story`, `${told.via}: ${told.code}`)
      const answers = []
      for (let n = 0; n < 3; n++)
        answers.push(await outside.gateway('GET', `/payments?orderId=${order.id}`, { token: user.token }))
      const [task] = await outside.records.wait(
        'the queued charge',
        ({ type, key }) => type === 'payment.charge' && key === order.id,
      )
      outside.noteRecords([task!])
      const kept = await user.read(order.id)
      return {
        orderId: order.id,
        answers: answers.map(({ status, headers, tookMs }) => ({
          status,
          retryAfter: headers['retry-after'] ?? '',
          tookMs: Math.round(tookMs),
        })),
        kept: kept.status,
      }
    })
    const ended = await outside.untilFinal(user, away.orderId, 60_000)
    const { substitute, states } = await substituteAndBreaker(outside)
    return {
      ...away,
      ended: ended.status,
      ledger: await outside.ledger(away.orderId),
      total: ended.total.amountMinor,
      substitute,
      states,
    }
  },
  judge: ({ answers, kept, states, ended, ledger, total, substitute }) => [
    ...answers.flatMap(({ status, retryAfter, tookMs }) =>
      faultsOf(
        [status === 503, `a service that is away was answered ${status}`],
        [Number(retryAfter) >= 1, 'the 503 has no Retry-After'],
        [tookMs < 1_000, `the 503 took ${tookMs} ms`],
      ),
    ),
    ...faultsOf(
      [kept === 'processing', `the unpaid order is ${kept}`],
      [states.away > 0, 'no breaker opened towards the service that is away'],
      [states.back === 0, 'the breaker did not close when the service was back'],
      [ended === 'completed', `the order ended ${ended}`],
      [ledger.length === 1 && ledger[0] === total, `the provider booked ${JSON.stringify(ledger)} for ${total}`],
      [substitute === 200, 'a route with a substitute did not answer it'],
    ),
  ],
})

/** A service of our own dies and comes back: its route answers the substitute meanwhile, the breaker opens and closes. */
function substituteAndBreaker(outside: Outside) {
  const route = { auth: 'none', substitute: { status: 200, body: { substitute: true } } }
  return withEchoRoute(outside, route, async ({ stop, start }) => {
    const answers = async (text: string) => {
      const answer = await outside.look('GET', '/verify-echo')
      return JSON.stringify(answer.body).includes(text) && answer.status
    }
    const state = async () => {
      const page = await outside.metrics('gateway-1')
      return [...page].find(([name]) => name.startsWith('breaker_state{') && name.includes('verify-echo'))?.[1] ?? 0
    }
    await until('the echo to be reached', () => answers('echo'))
    await stop()
    const substitute = await until('the substitute answer', () => answers('substitute'))
    outside.note('GET /verify-echo, its service being away', `${substitute}, the substitute of the route`)
    const away = await until('the breaker to open', async () => {
      await answers('substitute')
      return (await state()) || undefined
    }).catch(() => 0)
    outside.note('curl …/metrics | grep breaker_state', `verify-echo: ${away} (0 closed, 1 half-open, 2 open)`)
    await start()
    const back = await until(
      'the breaker to close',
      async () => (await answers('"echo"')) && (await state()) === 0,
    ).then(
      () => 0,
      () => 1,
    )
    outside.note(
      'GET /verify-echo, its service being back',
      back === 0 ? '200 from itself, the breaker is closed' : 'still away',
    )
    return { substitute, states: { away, back } }
  })
}

const stepsOfCompleted = ['order.created', 'order.processing', 'order.paid', 'order.shipped', 'order.completed']

export const brokerDown = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Outbox')
    const placed = await without(outside, 'broker', async () => {
      const order = await outside.order(user)
      const metrics = await outside.metrics('orders-1')
      const pending = [...metrics]
        .filter(([name]) => name.startsWith('svyaz_outbox_pending'))
        .reduce((sum, [, value]) => sum + value, 0)
      const [row] = await outside.sql<{ waiting: boolean }>(
        'orders',
        'SELECT bool_or(sent_at IS NULL) AS waiting FROM svyaz_outbox WHERE key = $1',
        [order.id],
      )
      return { orderId: order.id, pending, waiting: row?.waiting === true }
    })
    const ended = await outside.untilFinal(user, placed.orderId, 60_000)
    const said = await outside.records.wait(
      'order.completed',
      ({ topic, type, key }) => topic === 'orders.events' && key === placed.orderId && type === 'order.completed',
    )
    outside.noteRecords(said)
    const ids = outside.records.records.filter(({ topic, key }) => topic === 'orders.events' && key === placed.orderId)
    return { ...placed, ended: ended.status, ids: ids.map(({ id, type }) => ({ id, type })) }
  },
  judge: ({ waiting, ended, ids }) =>
    faultsOf(
      [waiting, 'the event did not wait in the database'],
      [ended === 'completed', `the order ended ${ended}`],
      ...stepsOfCompleted.map(
        (step) => [ids.some(({ type }) => type === step), `${step} is not in the topic`] as const,
      ),
      // A record may be sent again when the acknowledgement was lost; it is the same event then.
      [
        new Set(ids.map(({ id }) => id)).size === new Set(ids.map(({ type }) => type)).size,
        'one step was told as two events',
      ],
    ),
})

export const discoveryDown = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Cached')
    const before = (await outside.instances('discovery'))[0]!
    const { first, back } = await killing(outside, async () => {
      await outside.act('kill', 'discovery')
      const order = await outside.order(user)
      const view = await until('discovery to be back', async () => {
        const [now] = await outside.instances('discovery')
        return now?.status === 'ready' && now.pid !== before.pid && now
      })
      return { first: order, back: view }
    })
    const { body } = await outside.ask('GET', `${await outside.url('discovery')}/v1/health/service/orders?passing`)
    const second = await without(outside, 'discovery', async () => {
      const order = await outside.order(user)
      return { id: order.id, ended: (await outside.untilFinal(user, order.id)).status }
    })
    return {
      restarted: back.pid !== before.pid,
      listed: (body as unknown[]).length,
      ended: [(await outside.untilFinal(user, first.id)).status, second.ended],
    }
  },
  judge: ({ restarted, listed, ended }) =>
    faultsOf(
      [restarted, 'discovery was not restarted'],
      [listed > 0, 'discovery forgot the instances of orders'],
      [ended.every((status) => status === 'completed'), `orders ended ${ended.join()} without discovery`],
    ),
})

/** R4.3, as far as it goes without a balancer: two gateways, one of which dies. */
export const gatewayDown = proof({
  disturbs: true,
  gather: async (outside) => {
    const user = await outside.person('Gateways')
    return withInstances(outside, 'gateway', 2, async () => {
      await outside.untilReady('gateway')
      const second = await outside.url('gateway', 'http', 2)
      const pid = (await outside.instances('gateway')).find(({ name }) => name === 'gateway-1')?.pid
      await outside.act('kill', 'gateway-1')
      const spare = await outside.ask('GET', `${second}/users/me`, { token: user.token })
      const back = await until('the killed gateway to answer again', async () => {
        const view = (await outside.instances('gateway')).find(({ name }) => name === 'gateway-1')
        return (
          view?.status === 'ready' &&
          view.pid !== pid &&
          (await outside.look('GET', '/users/me', { token: user.token }))
        )
      })
      return { spare: spare.status, back: back.status }
    })
  },
  judge: ({ spare, back }) =>
    faultsOf(
      [spare === 200, `the other gateway answered ${spare}`],
      [back === 200, `the restarted gateway answered ${back}`],
    ),
})

const flowOrders = 12

interface Placed {
  readonly id: string
  readonly user: Person
  readonly total: number
}

/** Orders of careful clients, while one process after the other is killed. */
async function placedAmongCrashes(
  outside: Outside,
  users: readonly Person[],
  victims: readonly string[],
): Promise<Placed[]> {
  const placed: Placed[] = []
  for (let n = 0; n < flowOrders; n++) {
    const user = users[n % users.length]!
    const key = `verify-${Date.now()}-${n}`
    // The same request with the same key until somebody says yes.
    const order = await until('an order to be accepted', async () => {
      // To throw here would only mean that nothing was seen yet.
      if (outside.stopping.aborted) return null
      const answer = await outside.look('POST', '/orders', {
        token: user.token,
        headers: { 'idempotency-key': key },
        body: { items: [{ productId: 'P-1001', quantity: 1 }] },
      })
      return answer.status === 201 && answer.body
    })
    outside.goOn()
    placed.push({ id: order.id, user, total: order.total.amountMinor })
    const victim = n % 3 === 1 ? victims[(n - 1) / 3] : undefined
    if (victim !== undefined) await outside.act('kill', victim)
  }
  return placed
}

export const crashes = proof({
  disturbs: true,
  gather: async (outside) => {
    const users = await Promise.all(['Crash', 'Burn', 'Phoenix'].map((name) => outside.person(name)))
    const victims = ['payments-1', 'orders-1', 'broker-1', 'postgres-1']
    const before = new Map((await outside.instances()).map(({ name, pid }) => [name, pid]))
    const placed = await killing(outside, () => placedAmongCrashes(outside, users, victims))
    const after = await outside.instances()
    const restarted = victims.map((name) => ({
      name,
      replaced: after.find((view) => view.name === name)?.pid !== before.get(name),
    }))
    const orders = []
    for (const { id, user, total } of placed) {
      const { status } = await outside.untilFinal(user, id, 60_000)
      const versions = outside.records.records
        .filter(({ topic, key }) => topic === 'orders.events' && key === id)
        .map(({ id: eventId, data }) => ({ eventId, version: Number(data.version) }))
      orders.push({ id, status, total, ledger: await outside.ledger(id), versions })
    }
    return { restarted, orders }
  },
  judge: ({ restarted, orders }) => [
    ...restarted.filter(({ replaced }) => !replaced).map(({ name }) => `${name} was not restarted`),
    ...faultsOf([orders.length === flowOrders, `${orders.length} of ${flowOrders} orders were accepted`]),
    ...orders.flatMap(({ id, status, total, ledger, versions }) => {
      const events = [...new Map(versions.map(({ eventId, version }) => [eventId, version])).values()].sort(
        (a, b) => a - b,
      )
      return faultsOf(
        [status === 'completed', `order ${id} ended ${status}`],
        [
          ledger.length === 1 && heldBy(ledger) === total,
          `order ${id}: the provider booked ${JSON.stringify(ledger)} for ${total}`,
        ],
        [
          events.length > 0 && events.every((version, at) => version === at + 1),
          `order ${id}: its versions in the topic are ${events.join()}`,
        ],
      )
    }),
  ],
})

export const saga = proof({
  gather: async (outside) => {
    return { refused: booksOf(await declined(outside)), failed: booksOf(await undeliverable(outside)) }
  },
  judge: ({ refused, failed }) => {
    const at = (type: string) => Date.parse(timeOf(failed, type))
    return faultsOf(
      [refused.status === 'rejected', `the declined order ended ${refused.status}`],
      [has(refused, 'stock.released'), 'the declined order did not release its stock'],
      [heldBy(refused.ledger) === 0, 'the provider holds money of the declined order'],
      [failed.status === 'cancelled', `the undeliverable order ended ${failed.status}`],
      [has(failed, 'payment.refunded'), 'the undeliverable order was not refunded'],
      [
        failed.ledger.length === 2 && heldBy(failed.ledger) === 0,
        `the provider's books: ${JSON.stringify(failed.ledger)}`,
      ],
      [has(failed, 'stock.released'), 'the undeliverable order did not put its stock back'],
      // NaN, where an event is missing, compares as false.
      [at('delivery.failed') <= at('payment.refunded'), 'the refund came before the failure'],
      [at('payment.refunded') <= at('stock.released'), 'the stock was put back before the money'],
    )
  },
})
