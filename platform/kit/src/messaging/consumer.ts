/**
 * What happens to one record, whatever carried it: decode, validate, run the handler once per event, and on failure
 * wait, repeat or give up (reliability rules 1 and 3). Resolving means that the record may be acknowledged.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type { Database, Message, Span, Subscription, Tx } from '../api.ts'
import type { Core } from '../core.ts'
import { type CloudEvent, consumerHeader, decodeEvent, typeHeader } from './cloud-events.ts'
import { toDeadLetter } from './dead-letter.ts'
import { afterFailure, classify, isFor, type Tries } from './decide.ts'
import { bury, claim } from './inbox.ts'
import type { Slots } from './slots.ts'
import type { IncomingRecord, Transport } from './transport.ts'

const attemptsMaxDefault = 5

export type HandleRecord = (record: IncomingRecord, signal: AbortSignal) => Promise<void>

/** How a try ended: `dead` is a redelivery of what was given up before. */
type Outcome = 'done' | 'duplicate' | 'dead'

type Handler = (message: Message, tx: Tx | undefined) => Promise<void>

/** @param group names the consumer in the inbox, the dead letters and the metrics */
export function createRecordHandler(
  core: Core,
  options: {
    group: string
    subscriptions: readonly Subscription[]
    transport: Transport
    database: Database | undefined
    slots: Slots
  },
): HandleRecord {
  const { group, transport } = options
  const byTopic = subscriptionsByTopic(options)
  const metrics = consumerMetrics(core, group)

  return async (record, signal) => {
    const subscription = byTopic.get(record.topic)
    const addressee = record.headers[consumerHeader]
    if (!subscription || !isFor(addressee, group)) return metrics.handled(record.topic, 'skipped')

    // What nobody here takes is passed unread: its type is in a header.
    const type = record.headers[typeHeader]
    const handler = type ? handlerOf(subscription, type) : undefined
    if (type && !handler)
      return metrics.handled(type, Object.hasOwn(subscription.topic.events, type) ? 'skipped' : 'unknown')

    const read = decode(subscription.topic, record)
    if ('broken' in read) {
      core.log.error({ group, topic: record.topic, reason: read.broken }, 'a record breaks its contract')
      return giveUp(record, undefined, read.broken, 1, signal)
    }
    const { event } = read
    if (!handler) throw new Error(`${event.type} was read without a handler`)
    metrics.received(event)
    await tryUntilSettled({ record, event, subscription, handler, replayed: addressee === group }, signal)
  }

  async function tryUntilSettled(work: Work, signal: AbortSignal): Promise<void> {
    const attemptsMax = work.subscription.attemptsMax ?? attemptsMaxDefault
    for (let tries: Tries = { counted: 0, waits: 0 }; ; ) {
      signal.throwIfAborted()
      try {
        const outcome = await options.slots.use(() => {
          // The partition may have been given up while this waited in line.
          signal.throwIfAborted()
          return spanned(work, tries.counted + 1)
        })
        if (outcome === 'dead') await giveUp(work.record, work, 'given up before a restart', 0, signal)
        core.crashPoint('consumer.after-effect')
        return
      } catch (error) {
        // Whoever gets the partition next tries it again.
        if (signal.aborted) throw error
        const kind = classify(error)
        metrics.handled(work.event.type, kind)
        const next = afterFailure(kind, tries, attemptsMax, core.random)
        const about = { group, topic: work.record.topic, type: work.event.type, id: work.event.id, error: told(error) }
        if (next.do === 'give up') {
          core.log.error({ ...about, attempts: next.tries.counted }, 'giving an event up')
          return await giveUp(work.record, work, error, next.tries.counted, signal)
        }
        // One line when a wait begins; an outage must not flood the log.
        if (next.do === 'repeat' || next.tries.waits === 1)
          core.log.warn({ ...about, next: next.do }, 'a handler failed')
        tries = next.tries
        await core.clock.delay(next.delayMs, signal)
      }
    }
  }

  function spanned(work: Work, attempt: number): Promise<Outcome> {
    const { record, event } = work
    const parent = event.traceparent
    return core.tracer.span(
      `handle ${event.type}`,
      {
        kind: 'consumer',
        ...(parent === undefined ? { root: true as const } : { parent, links: [parent] }),
        attributes: {
          'messaging.system': transport.system,
          'messaging.operation.type': 'process',
          'messaging.destination.name': record.topic,
          'messaging.consumer.group.name': group,
          'messaging.message.id': event.id,
          'svyaz.event.type': event.type,
          'svyaz.attempt': attempt,
          ...(record.place
            ? {
                'messaging.destination.partition.id': String(record.place.partition),
                'messaging.kafka.offset': Number(record.place.offset),
              }
            : {}),
        },
      },
      (span) => attemptOnce(work, attempt, span),
    )
  }

  async function attemptOnce(work: Work, attempt: number, span: Span): Promise<Outcome> {
    core.crashPoint('consumer.before-handler')
    try {
      const outcome = await perform(work, attempt)
      span.set('svyaz.outcome', outcome)
      span.set('svyaz.deduplicated', outcome === 'duplicate')
      if (outcome !== 'dead') metrics.handled(work.event.type, outcome)
      return outcome
    } catch (error) {
      span.set('svyaz.outcome', classify(error))
      throw error
    }
  }

  async function perform({ event, record, subscription, handler, replayed }: Work, attempt: number): Promise<Outcome> {
    const message: Message = {
      id: event.id,
      type: event.type,
      topic: record.topic,
      key: record.key,
      subject: event.subject,
      source: event.source,
      time: event.time,
      data: event.data,
      attempt,
    }
    if (subscription.dedupe === 'none' || !options.database) {
      await handler(message, undefined)
      return 'done'
    }
    return options.database.transaction(async (tx) => {
      if (!core.environment.sabotage.has('skip-inbox')) {
        const claimed = await claim(tx, { consumer: group, id: event.id, type: event.type, replayed })
        if (claimed !== 'claimed') return claimed
      }
      await handler(message, tx)
      return 'done'
    })
  }

  /** Waits without limit for database and broker: a record is never acknowledged before its dead letter is safe. */
  async function giveUp(
    record: IncomingRecord,
    work: Work | undefined,
    error: unknown,
    attempts: number,
    signal: AbortSignal,
  ): Promise<void> {
    const letter = toDeadLetter(record, { consumer: group, error: told(error), attempts, at: core.clock.iso() })
    const inbox = work?.subscription.dedupe === 'inbox' ? options.database : undefined
    for (let tries: Tries = { counted: 0, waits: 0 }; ; ) {
      signal.throwIfAborted()
      try {
        if (inbox && work) {
          const buried = await bury(inbox, { consumer: group, id: work.event.id, type: work.event.type })
          // Another instance got it done meanwhile: then it is not a dead letter.
          if (buried === 'done before') return
        }
        await transport.send([letter])
        metrics.buried(record.topic, work?.event.type ?? 'broken')
        return
      } catch (failure) {
        const next = afterFailure('transient', tries, 1, core.random)
        if (next.tries.waits === 1) core.log.warn({ group, error: told(failure) }, 'cannot send a dead letter for now')
        tries = next.tries
        await core.clock.delay('delayMs' in next ? next.delayMs : 0, signal)
      }
    }
  }
}

interface Work {
  record: IncomingRecord
  event: CloudEvent
  subscription: Subscription
  handler: Handler
  /** It came back from the dead letters, for this consumer. */
  replayed: boolean
}

const handlerOf = (subscription: Subscription, type: string): Handler | undefined =>
  Object.hasOwn(subscription.on, type) ? (subscription.on as Record<string, Handler | undefined>)[type] : undefined

const told = (error: unknown): string => (error instanceof Error ? `${error.name}: ${error.message}` : String(error))

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
    if (subscription.dedupe === 'inbox' && !options.database) {
      throw new Error(`the group ${options.group} asks for an inbox on ${name} without a database`)
    }
    byTopic.set(name, subscription)
  }
  return byTopic
}

function consumerMetrics(core: Core, group: string) {
  const handled = core.metrics.counter('svyaz_messages_handled_total', 'Tries by how they ended', [
    'group',
    'type',
    'outcome',
  ])
  const duplicates = core.metrics.counter('svyaz_messages_duplicates_total', 'Deliveries of what was handled before', [
    'group',
    'type',
  ])
  const dead = core.metrics.counter('svyaz_messages_dead_total', 'Events sent to the dead letters', [
    'group',
    'topic',
    'type',
  ])
  const latency = core.metrics.histogram(
    'svyaz_receive_latency_seconds',
    'From the making of an event to its handler',
    ['group'],
  )
  return {
    handled(type: string, outcome: string) {
      handled.inc({ group, type, outcome })
      if (outcome === 'duplicate') duplicates.inc({ group, type })
    },
    buried: (topic: string, type: string) => dead.inc({ group, topic, type }),
    received(event: CloudEvent) {
      const ageMs = core.clock.now() - Date.parse(event.time)
      if (Number.isFinite(ageMs)) latency.observe(Math.max(0, ageMs / 1_000), { group })
    },
  }
}
