/** R1: ways to talk. */

import { Feed } from '@svyaz/observe/feed.ts'
import { ask } from '@svyaz/observe/http.ts'
import { calledOverGrpc, type Hop, hopsOf, type Span } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { completed, paidNow } from '../journeys.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'
import { without } from './as-before.ts'

/**
 * The stream of positions lasts as long as both sides run, and its span with it: delivery is stopped and started, and the
 * spans that end then are looked for.
 */
async function trackingHops(outside: Outside): Promise<Hop[]> {
  const base = await outside.url('telemetry', 'otlp')
  await without(outside, 'delivery', async () => undefined)
  const url = `${base}/traces?tag=${encodeURIComponent(`rpc.method=${trackDeliveries}`)}&limit=20`
  const hops = await until(
    'the span of TrackDeliveries',
    async () => {
      const found: Hop[] = []
      const { body } = await ask('GET', url)
      for (const { traceId } of body.traces as { traceId: string }[]) {
        const trace = await ask('GET', `${base}/traces/${traceId}`)
        if (trace.status === 200) found.push(...hopsOf(trace.body.spans as Span[]))
      }
      return calledOverGrpc(found, 'notifications', 'delivery', 'TrackDeliveries') && found
    },
    { timeoutMs: 10_000, everyMs: 250 },
  ).catch((): Hop[] => [])
  outside.note(`curl '${url}'`, `${hops.length} spans of streams of positions`)
  return hops
}
const trackDeliveries = 'svyaz.delivery.v1.DeliveryService/TrackDeliveries'

export const grpc = proof({
  disturbs: true,
  gather: async (outside) => {
    const usual = await completed(outside)
    const now = await paidNow(outside)
    const user = await outside.person('Grpc')
    const own = async (method: string, path: string, options: object, complete: (hops: Hop[]) => boolean) => {
      const answer = await outside.gateway(method, path, options)
      const hops = await outside.trace(answer.headers['x-trace-id'] ?? '', complete)
      return { status: answer.status, hops: hops.filter(({ over }) => over === 'grpc'), body: answer.body }
    }
    const token = user.token
    const about = await own('GET', `/users/${user.id}?include=orders`, { token }, (hops) =>
      calledOverGrpc(hops, 'users', 'orders', 'GetUserDetails'),
    )
    const order = await outside.order(user, { paymentMethod: 'pm_declined' })
    const follow = await own('GET', `/orders/${order.id}/follow`, { token }, (hops) =>
      calledOverGrpc(hops, 'gateway', 'orders', 'FollowOrder'),
    )
    const admin = await outside.admin()
    const restock = await own(
      'POST',
      '/products/restock',
      {
        token: admin.token,
        body: {
          items: [
            { productId: 'P-1001', quantity: 50 },
            { productId: 'P-1002', quantity: 50 },
          ],
        },
      },
      (hops) => calledOverGrpc(hops, 'gateway', 'inventory', 'BulkRestock'),
    )
    const tracking = await trackingHops(outside)
    return {
      hops: [...usual.hops, ...now.hops, ...about.hops, ...follow.hops, ...restock.hops, ...tracking].filter(
        ({ over, kind }) => over === 'grpc' && kind === 'server',
      ),
      followed: String(follow.body).match(/^data: /gm)?.length ?? 0,
      restocked: { status: restock.status, lines: Number(restock.body.lines) },
      positions: usual.positions,
    }
  },
  judge: ({ hops, followed, restocked, positions }) =>
    faultsOf(
      [calledOverGrpc(hops, 'delivery', 'orders', 'GetOrder'), 'unary: delivery did not call GetOrder of orders'],
      [
        calledOverGrpc(hops, 'orders', 'payments', 'ProcessPayment'),
        'unary: orders did not call ProcessPayment of payments',
      ],
      [
        calledOverGrpc(hops, 'orders', 'inventory', 'CheckAvailability'),
        'unary: orders did not ask inventory for availability',
      ],
      [calledOverGrpc(hops, 'users', 'orders', 'GetUserDetails'), 'unary: users did not call GetUserDetails of orders'],
      [
        calledOverGrpc(hops, 'gateway', 'orders', 'FollowOrder') && followed >= 2,
        `server stream: following an order gave ${followed} states`,
      ],
      [
        calledOverGrpc(hops, 'gateway', 'inventory', 'BulkRestock') && restocked.lines === 2,
        `client stream: the bulk restock answered ${restocked.status} with ${restocked.lines} lines`,
      ],
      [positions > 0, 'bidirectional stream: no position of the parcel came'],
      [
        calledOverGrpc(hops, 'notifications', 'delivery', 'TrackDeliveries'),
        'bidirectional stream: no trace has TrackDeliveries, called by notifications and answered by delivery',
      ],
    ),
})

export const webSocket = proof({
  gather: async (outside) => {
    const user = await outside.person('Socket')
    const first = await user.openFeed()
    const order = await outside.order(user)
    const cut = await first.untilFrame(order.id, ['order.processing'])
    first.close()
    const seenBefore = first.frames.map(({ cursor }) => cursor)
    const second = await user.openFeed(cut.cursor)
    await second.untilFrame(order.id, ['order.completed'])
    second.close()
    const frames = [...first.frames.filter(({ cursor }) => cursor <= cut.cursor), ...second.frames]
    outside.note('wscat /notifications/stream, closed', `frames ${seenBefore.join()}`)
    outside.note(
      `wscat '/notifications/stream?cursor=${cut.cursor}'`,
      `frames ${second.frames.map(({ cursor, kind }) => `${cursor} ${kind}`).join(', ')}`,
    )
    const refused = await new Feed(user.gateway, { id: user.id, token: 'made-up' }).open().then(
      () => false,
      () => true,
    )
    return { cursors: frames.map(({ cursor }) => cursor), kinds: frames.map(({ kind }) => kind), refused }
  },
  judge: ({ cursors, kinds, refused }) => {
    const steps = kinds.filter((kind) => kind.startsWith('order.'))
    const wanted = ['order.created', 'order.processing', 'order.paid', 'order.shipped', 'order.completed']
    return faultsOf(
      [cursors.every((cursor, at) => cursor === at + 1), `cursors are ${cursors.join()}, not 1, 2, 3 …`],
      [steps.join() === wanted.join(), `the frames of the order are ${steps.join()}`],
      [refused, 'a made-up token opened a socket'],
    )
  },
})

const taskOrders = 10

/** Tasks of several orders, whoever takes them. */
async function sharedTasks(outside: Outside) {
  const users = await Promise.all([outside.person('Quickly'), outside.person('Queued')])
  const orders: string[] = []
  for (let n = 0; n < taskOrders; n++) orders.push((await outside.order(users[n % 2]!)).id)
  const isTask = (type: string, key: string) => type === 'payment.charge' && orders.includes(key)
  const tasks = await outside.records.wait('a charge task of each order', (r) => isTask(r.type, r.key), taskOrders)
  const done = await outside.records.wait(
    'payment.completed of each order',
    ({ type, key }) => type === 'payment.completed' && orders.includes(key),
    taskOrders,
  )
  outside.noteRecords(tasks.slice(0, 2))
  const rows = await outside.sql<{ order_id: string; worker: string }>(
    'payments',
    'SELECT order_id, worker FROM payments WHERE order_id = ANY($1::uuid[])',
    [`{${orders.join()}}`],
  )
  const groups = await outside.topics.groups(['payment-workers'])
  outside.note('kafka-consumer-groups --describe --group payment-workers', JSON.stringify(groups))
  return {
    orders,
    tasks: tasks.map(({ key, partition, offset }) => ({ key, partition, offset })),
    completed: done.map(({ key }) => key),
    workers: rows.map(({ worker }) => worker),
    groups,
  }
}

export const messages = proof({
  gather: async (outside) => {
    const { records, hops } = await completed(outside)
    const created = records.find(({ type }) => type === 'order.created')
    return {
      created,
      handled: hops
        .filter((hop) => hop.kind === 'consumer' && hop.eventId === created?.id && hop.topic === 'orders.events')
        .map((hop) => hop.group ?? ''),
      tasks: await sharedTasks(outside),
    }
  },
  judge: ({ created, handled, tasks }) => {
    const [group] = tasks.groups
    const shares = group?.members.map(({ partitions }) => partitions) ?? []
    const partitions = shares.flat()
    return [
      ...faultsOf([created !== undefined, 'order.created is not in orders.events']),
      ...['inventory', 'payments', 'delivery', 'notifications']
        .filter((name) => handled.filter((one) => one === name).length !== 1)
        .map(
          (name) =>
            `publish/subscribe: ${name} handled the event ${handled.filter((one) => one === name).length} times`,
        ),
      ...faultsOf(
        [
          tasks.tasks.length === tasks.orders.length &&
            new Set(tasks.tasks.map(({ key }) => key)).size === tasks.orders.length,
          `point-to-point: ${tasks.tasks.length} tasks of ${tasks.orders.length} orders`,
        ],
        [
          tasks.completed.length === tasks.orders.length && new Set(tasks.completed).size === tasks.orders.length,
          `point-to-point: ${tasks.completed.length} results of ${tasks.orders.length} tasks`,
        ],
        [new Set(tasks.workers).size >= 2, `point-to-point: only ${[...new Set(tasks.workers)].join()} worked`],
        [shares.length >= 2, `payment-workers has ${shares.length} members`],
        [new Set(partitions).size === partitions.length, 'two members of payment-workers own one partition'],
      ),
    ]
  },
})

export const eventDriven = proof({
  gather: async (outside) => {
    const journey = await completed(outside)
    const { orderId, records, hops, mails } = journey
    const [draft] = await outside.sql<{ created: boolean }>(
      'delivery',
      'SELECT order_id IS NOT NULL AS created FROM deliveries WHERE order_id = $1',
      [orderId],
    )
    const idOf = (type: string) => records.find((record) => record.type === type)?.id ?? ''
    return {
      created: idOf('order.created'),
      paid: idOf('payment.completed'),
      reacted: hops
        .filter(({ kind, eventId }) => kind === 'consumer' && eventId === idOf('order.created'))
        .map(({ service }) => service),
      payment: journey.payment.status,
      draft: draft?.created === true,
      mails: mails.map(({ messageId }) => messageId),
    }
  },
  judge: ({ created, paid, reacted, payment, draft, mails }) => [
    ...faultsOf(
      [created !== '', 'order.created is in no topic'],
      [paid !== '', 'payment.completed is in no topic'],
      [payment !== 'none', 'no payment order was opened'],
      [draft, 'no shipment was drafted'],
      [mails.some((id) => paid !== '' && id.includes(paid)), 'no mail carries the id of payment.completed'],
    ),
    ...['inventory', 'payments', 'delivery']
      .filter((service) => !reacted.includes(service))
      .map((service) => `${service} did not react to order.created`),
  ],
})
