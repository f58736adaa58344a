/**
 * What an outbox accepts, every consumer can store (reliability rule 22). Each event of each topic is made from its
 * contract, with each hostile text in every place that takes one, and written to the topic of a running system; the
 * consumers are then at the end of their topics without a dead letter, and their effects are there.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import { topics } from '@svyaz/contracts'
import { paymentWorkersGroup } from '@svyaz/contracts/events/payments.ts'
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { WrittenEvent } from '@svyaz/observe/topics.ts'
import { until } from '@svyaz/observe/until.ts'
import { z } from 'zod'
import { detailOfFrame } from '../../services/notifications/src/domain.ts'
import { World } from './world.ts'

/** Texts that an outbox takes: storable, and as bad as that allows. */
const hostileTexts: Readonly<Record<string, string>> = {
  'every other control character': Array.from({ length: 31 }, (_, index) => String.fromCharCode(index + 1)).join(''),
  'delete, and the second row of control characters': '\u007f\u0080\u0085\u009f',
  'a header of a mail': 'Ann\r\nBcc: somebody@else.example\r\n\r\n.\r\nQUIT\r\n',
  'a carriage return alone': 'one\rtwo\r',
  'separators and turns of direction': '\u2028\u2029\u202e\u2066\u200f\ufeff',
  'what is no character': '\ufffe\uffff\u{1fffe}\u{10ffff}',
  'a thousand marks on one letter': `a${'\u0301'.repeat(1_000)}`,
  'quotes and ends of statements': `'; DROP TABLE orders; -- " \\' $1 $$ ?`,
  'an escape that JSON would read': '\\u0000 \\ud800 \\',
  'a name of every object': '__proto__',
  markup: '<script>alert(1)</script>]]>&amp;{{7*7}}',
  'a long line': 'x'.repeat(100_000),
  'many lines': 'y\n'.repeat(20_000),
  'nothing at all': '',
}

/** A value that the schema takes, with the hostile text wherever it takes that; `known` goes by the name of the member. */
function sampleOf(
  schema: z.core.$ZodType,
  hostile: string,
  known: Readonly<Record<string, unknown>>,
  name = '',
): unknown {
  const { def } = (schema as z.core.$ZodTypes)._zod
  const inner = (part: z.core.$ZodType, partName = name) => sampleOf(part, hostile, known, partName)
  if (name in known && z.safeParse(schema, known[name]).success) return known[name]
  switch (def.type) {
    case 'object':
      return Object.fromEntries(Object.entries(def.shape).map(([key, part]) => [key, inner(part, key)]))
    case 'array':
      return [inner(def.element)]
    case 'optional':
      return inner(def.innerType)
    case 'nullable':
      return inner(def.innerType) ?? null
    case 'pipe':
      return inner(def.out)
    case 'enum':
      return Object.values(def.entries)[0]
    case 'string':
      return [hostile, new Date().toISOString(), 'P-1001'].find((value) => z.safeParse(schema, value).success)
    case 'number':
      return 1
    default:
      return (schema as unknown as { _zod: { values?: Set<unknown> } })._zod.values?.values().next().value
  }
}

const mentions = (value: unknown, text: string): boolean =>
  value === text ||
  (typeof value === 'object' && value !== null && Object.values(value).some((part) => mentions(part, text)))

/** Every event of a topic with this text in it; none for an event that takes no text. */
function eventsWith(topic: Topic, hostile: string, known: Readonly<Record<string, unknown>>): WrittenEvent[] {
  return Object.entries(topic.events).flatMap(([type, schema]) => {
    const data = schema.parse(sampleOf(schema, hostile, known))
    if (!mentions(data, hostile)) return []
    return [{ topic: topic.name, type, source: topic.writer, key: randomUUID(), data }]
  })
}

/** Everybody who keeps a position in the topic; what every instance reads for itself has none. */
const groupsOf = (topic: Topic): string[] => {
  if (topic.name === 'config.events') return []
  return topic.readers
    .filter((reader) => reader !== 'gateway')
    .map((reader) => (topic.kind === 'task' ? paymentWorkersGroup : reader))
}

describe('hostile texts in events', { timeout: 6 * 60_000 }, () => {
  let world: World
  let person: Person
  let other: Person
  before(
    async () => {
      world = await World.start()
      person = await world.register('Hanna Hostile')
      other = await world.register('Otto Other')
    },
    { timeout: 180_000 },
  )
  after(() => world?.[Symbol.asyncDispose](), { timeout: 60_000 })

  const ended = async (): Promise<string> => {
    const order = await person.order({ items: [{ productId: world.product(), quantity: 1 }] })
    await person.untilStatus(order.id, 'completed')
    return order.id
  }

  it('each event that takes a text takes these', () => {
    const taking = topics.flatMap((topic) =>
      eventsWith(topic, hostileTexts.markup!, { orderId: randomUUID(), userId: randomUUID(), email: 'a@b.example' }),
    )
    const types = new Set(taking.map(({ type }) => type))
    for (const type of [
      'user.registered',
      'order.cancelled',
      'payment.refund',
      'payment.failed',
      'delivery.failed',
      'mail.sent',
      'config.changed',
    ])
      assert.ok(types.has(type), `${type} has no place for a text: ${[...types]}`)
  })

  it('every consumer gets through all of them, and nothing becomes a dead letter', async () => {
    const orderId = await ended()
    const events = topics.flatMap((topic) => {
      // Somebody else is blocked, so that the one whose order it is can order again.
      const { id: userId, email } = topic.name === 'users.events' ? other : person
      return Object.values(hostileTexts).flatMap((text) => eventsWith(topic, text, { orderId, userId, email }))
    })
    const ids = await world.topics.write(...events)
    for (const topic of topics)
      for (const group of groupsOf(topic))
        await until(
          `${group} to be at the end of ${topic.name}`,
          async () => (await world.topics.progress(group, topic.name)).behind === 0,
          { timeoutMs: 120_000, everyMs: 500, explain: () => world.explain(orderId) },
        )
    const letters = []
    for (const name of (await world.topics.names()).filter((topic) => topic.endsWith('.dlq')))
      for (const { headers } of await world.topics.read(name))
        letters.push(`${name}: ${JSON.stringify(headers).slice(0, 1_000)}`)
    assert.deepEqual(letters, [])
    assert.deepEqual(world.deaths, [])

    const toUser = events.flatMap((event, index) =>
      ['user.blocked', 'order.rejected', 'delivery.failed'].includes(event.type)
        ? [{ id: ids[index], data: event.data as { reason: string } }]
        : [],
    )
    assert.equal(toUser.length, 3 * Object.keys(hostileTexts).length)
    const frames = await world.databases.rows(
      'notifications',
      'SELECT event_id, detail FROM frames WHERE event_id = ANY($1)',
      [toUser.map(({ id }) => id)],
    )
    const details = new Map(frames.map(({ event_id, detail }) => [event_id, detail]))
    for (const { id, data } of toUser) assert.equal(details.get(id), data.reason)
  })

  it('mails go out to their one address, whatever the text says', async () => {
    await until(
      'every mail to be sent',
      async () =>
        (await world.databases.rows('notifications', `SELECT 1 FROM mails WHERE status <> 'sent'`)).length === 0,
      {
        timeoutMs: 60_000,
        explain: async () =>
          JSON.stringify(
            await world.databases.rows(
              'notifications',
              `SELECT kind, status, attempts, left(body, 200) FROM mails WHERE status <> 'sent'`,
            ),
          ),
      },
    )
    const mails = await world.mails()
    assert.ok(mails.length >= Object.keys(hostileTexts).length)
    // The console's two users and the administrator get their first mails at some time of the same start.
    const strangers = mails.flatMap(({ to }) => to).filter((address) => !/@(console\.)?svyaz\.local$/.test(address))
    assert.deepEqual([...new Set(strangers)].sort(), [other.email, person.email].sort())
  })

  it('the user is still served: the feed with every text, the story, a new order', async () => {
    const feed = await person.openFeed()
    const [{ last_cursor: last }] = await world.databases.rows(
      'notifications',
      'SELECT last_cursor FROM feeds WHERE user_id = $1',
      [person.id],
    )
    await until('every frame of the feed', () => feed.frames.at(-1)?.cursor === Number(last), { timeoutMs: 60_000 })
    const texts = new Set(feed.frames.map(({ detail }) => detail))
    for (const [name, text] of Object.entries(hostileTexts))
      if (text !== '') assert.ok(texts.has(detailOfFrame(text)), `${name} is in no frame`)
    await ended()
  })
})
