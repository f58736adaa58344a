/** First step: what a record is to this consumer. What nobody here takes is passed unread, by its type's header. */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type { Database, Subscription } from '../../api.ts'
import { type CloudEvent, consumerHeader, decodeEvent, typeHeader } from '../cloud-events.ts'
import { isFor } from '../decide.ts'
import type { IncomingRecord } from '../transport.ts'
import type { Handler, Work } from './work.ts'

export type Read =
  /** Counted under `type` and passed over. */
  | { readonly do: 'pass'; readonly record: IncomingRecord; readonly type: string; readonly why: 'skipped' | 'unknown' }
  /** It breaks its contract. */
  | { readonly do: 'bury'; readonly record: IncomingRecord; readonly broken: string }
  | { readonly do: 'handle'; readonly record: IncomingRecord; readonly work: Work }

/** @throws Error for a group that subscribes to a topic twice, or wants a transaction without a database */
export function createReader(options: {
  group: string
  subscriptions: readonly Subscription[]
  database: Database | undefined
}): (record: IncomingRecord) => Read {
  const { group, database } = options
  const byTopic = subscriptionsByTopic(options)
  return (record) => {
    const subscription = byTopic.get(record.topic)
    const addressee = record.headers[consumerHeader]
    if (!subscription || !isFor(addressee, group)) return { do: 'pass', record, type: record.topic, why: 'skipped' }

    const type = record.headers[typeHeader]
    const handler = type ? handlerOf(subscription, type) : undefined
    if (type && !handler) {
      const why = Object.hasOwn(subscription.topic.events, type) ? 'skipped' : 'unknown'
      return { do: 'pass', record, type, why }
    }
    const read = decode(subscription.topic, record)
    if ('broken' in read) return { do: 'bury', record, broken: read.broken }
    if (!handler) throw new Error(`${read.event.type} was read without a handler`)
    return {
      do: 'handle',
      record,
      work: {
        record,
        event: read.event,
        subscription,
        handler,
        database: subscription.dedupe === 'none' ? undefined : database,
        claimed: subscription.dedupe === 'inbox',
        replayed: addressee === group,
      },
    }
  }
}

const handlerOf = (subscription: Subscription, type: string): Handler | undefined =>
  Object.hasOwn(subscription.on, type) ? (subscription.on as Record<string, Handler | undefined>)[type] : undefined

/** The event with its data as the contract reads them, or what is wrong with it. */
function decode(topic: Topic, record: IncomingRecord): { event: CloudEvent } | { broken: string } {
  const decoded = decodeEvent(record)
  if ('broken' in decoded) return decoded
  const schema = Object.hasOwn(topic.events, decoded.event.type) ? topic.events[decoded.event.type] : undefined
  if (!schema) return decoded
  const checked = schema.safeParse(decoded.event.data)
  if (!checked.success) return { broken: `${decoded.event.type}: ${checked.error.message}` }
  return { event: { ...decoded.event, data: checked.data } }
}

function subscriptionsByTopic(options: {
  group: string
  subscriptions: readonly Subscription[]
  database: Database | undefined
}): Map<string, Subscription> {
  const byTopic = new Map<string, Subscription>()
  for (const subscription of options.subscriptions) {
    const { name } = subscription.topic
    if (byTopic.has(name)) throw new Error(`the group ${options.group} subscribes to ${name} twice`)
    if (subscription.dedupe !== 'none' && !options.database) {
      throw new Error(`the group ${options.group} asks for a transaction on ${name} without a database`)
    }
    byTopic.set(name, subscription)
  }
  return byTopic
}
