/** Orders that several proofs look at: each is placed once a run, followed to its end, and seen from every side. */

import { recordLine } from './command-line.ts'
import { finalOf, type Journey } from './journey.ts'
import type { OrderWish, Outside } from './outside.ts'

/** An order that is paid by the queue and delivered. */
export const completed = (outside: Outside): Promise<Journey> => outside.once('completed', (o) => travel(o, {}))

/** An order that is paid by a call, at once. */
export const paidNow = (outside: Outside): Promise<Journey> =>
  outside.once('paid now', (o) => travel(o, { payment: 'now' }))

/** An order whose card is declined. */
export const declined = (outside: Outside): Promise<Journey> =>
  outside.once('declined', (o) => travel(o, { paymentMethod: 'pm_declined' }))

/** An order that is paid and can't be delivered. */
export const undeliverable = (outside: Outside): Promise<Journey> =>
  outside.once('undeliverable', (o) => travel(o, { deliveryMethod: 'dm_fail' }))

/** Places an order, waits until the user was told of its end, and looks at it from outside. */
async function travel(outside: Outside, wish: OrderWish): Promise<Journey> {
  const person = await outside.person('Ada')
  const feed = await person.openFeed()
  try {
    const placed = await outside.order(person, wish)
    const last = await feed.untilFrame(placed.id, ['order.completed', 'order.rejected', 'order.cancelled'])
    outside.note(
      'wscat /notifications/stream',
      feed.frames
        .filter(({ orderId }) => orderId === placed.id)
        .map(({ cursor, kind }) => `${cursor} ${kind}`)
        .join(', '),
    )
    const order = await person.read(placed.id)
    // Stock is given back beside the saga, the mail is the last to be told: wait for what this ending promises.
    const ending = finalOf(order.status)
    const said = await outside.records.wait(
      `what follows on ${last.kind}`,
      ({ key, type }) => key === placed.id && ending.types.includes(type),
      ending.types.length,
    )
    outside.note(`npx svyaz topics orders.events --key ${placed.id}`, recordLine(said[0]!))
    const records = outside.records.records.filter(({ key }) => key === placed.id)
    const hops = await outside.trace(placed.traceId, (found) => ending.hops(found, wish))
    const [payment] = (await outside.look('GET', `/payments?orderId=${placed.id}`, { token: person.token })).body
    const [delivery] = (await outside.look('GET', `/deliveries?orderId=${placed.id}`, { token: person.token })).body
    return {
      orderId: placed.id,
      userId: person.id,
      wish,
      status: order.status,
      version: order.version,
      totalMinor: order.total.amountMinor,
      traceId: placed.traceId,
      frames: feed.frames
        .filter((frame) => frame.orderId === placed.id)
        .map(({ cursor, kind, eventId }) => ({ cursor, kind, eventId })),
      positions: feed.positions,
      records: records.map(({ topic, partition, offset, type, id, time, data }) => ({
        topic,
        partition,
        offset,
        type,
        id,
        time,
        version: typeof data.version === 'number' ? data.version : 0,
      })),
      hops: hops.filter(({ over }) => over !== 'sql'),
      statements: hops.filter(({ over }) => over === 'sql').length,
      payment: { status: payment?.status ?? 'none', worker: payment?.worker ?? 'none' },
      delivery: delivery?.status ?? 'none',
      ledger: await outside.ledger(placed.id),
      mails: await outside.mails(person),
    }
  } finally {
    feed.close()
  }
}
