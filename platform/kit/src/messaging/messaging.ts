/**
 * Events out and in: outbox → publisher → broker → consumers → inbox.
 *
 * Read in this order: messaging.ts; out: outbox.ts, unsent-floor.ts, publisher.ts, cloud-events.ts, topics.ts; in: consumer.ts,
 * consumer/work.ts, consumer/portion.ts, consumer/read.ts, consumer/group.ts, consumer/attempt.ts, inbox.ts, consumer/retry.ts, decide.ts,
 * consumer/give-up.ts, dead-letter.ts, consumer/steps.ts, consumer/metrics.ts, slots.ts, dlq.ts (replay); breakable.ts
 * (the checker). What carries it: transport.ts, kafka/transport.ts, kafka/settings.ts, kafka/client.ts,
 * kafka/late-validators.ts, kafka/producer.ts, kafka/group.ts, kafka/generation.ts, kafka/lane.ts, kafka/records.ts,
 * kafka/early-commit.ts, kafka/admin.ts, kafka/topic-job.ts; for operators: kafka/inspect.ts, kafka/reader.ts.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type { Database, Outbox, OutboxSource, RecordSubscription, Records, Subscription } from '../api.ts'
import type { Core } from '../core.ts'
import { within } from '../process/waiting.ts'
import { breakableCommitted, breakableOutbox, breakableSource } from './breakable.ts'
import { encodeEvent } from './cloud-events.ts'
import { createConsumerSlots, createRecordHandler } from './consumer.ts'
import { toDeadLetter } from './dead-letter.ts'
import { purgeInbox } from './inbox.ts'
import { createKafkaTransport } from './kafka/transport.ts'
import { createOutbox, purgeOutbox, tableSource } from './outbox.ts'
import { createPublisher } from './publisher.ts'
import { topicsToMake } from './topics.ts'
import type { Consumption, Transport } from './transport.ts'

export interface MessagingOptions {
  database?: Database | undefined
  /** Topics this service writes. */
  writes: readonly Topic[]
  consumers?: readonly Subscription[]
  /** Topics read as records, each in a group of its own. */
  records?: readonly RecordSubscription[]
  /** Default: the outbox table, where there is a database. */
  outboxSource?: OutboxSource | undefined
  /** Default: Kafka. */
  transport?: Transport
  /** Handlers in a transaction at once, over all groups, and others at once; default 8, two below the database's pool. */
  handlersMax?: number
}

export interface Messaging {
  outbox: Outbox
  records: Records
  /** Starts publishing and consuming in the background and returns at once; a broker that is away is waited for. */
  start(): Promise<void>
  /** Takes in nothing further; handlers end, their offsets are committed, the groups are left. */
  stopConsumers(deadlineMs: number): Promise<void>
  /** Finishes the send under way and closes; events not yet sent stay in the outbox. */
  close(): Promise<void>
  /** Always empty: with the broker away a service still accepts work, into its outbox. */
  notReady(): readonly string[]
}

const sendPatienceMs = 2_000

/** Outbox, inbox and consumers of a service, over Kafka or the transport that a test gives. */
export function createMessaging(core: Core, options: MessagingOptions): Messaging {
  const { database } = options
  const transport = options.transport ?? createKafkaTransport(core)
  const stopping = new AbortController()
  const consumersStopping = new AbortController()
  const background: Promise<void>[] = []
  let consumptions: Consumption[] = []
  const unsent = options.outboxSource ?? (database ? tableSource(database) : undefined)
  const source = unsent && breakableSource(core, unsent)
  const { writes } = options

  const publisher = createPublisher(core, { source, transport, database })
  const committed = breakableCommitted(core, publisher.committed)
  const plainOutbox = createOutbox(core, writes, { committed, wake: publisher.committed })
  const outbox = breakableOutbox(core, plainOutbox, writes, (events) =>
    transport.send(events.map((event) => encodeEvent(event, `/${core.environment.service}`, event.traceparent))),
  )

  const consume = (subscriptions: readonly Subscription[]) => {
    const slots = createConsumerSlots(options.handlersMax ?? 8)
    const ofRecords = (options.records ?? []).map(({ group, topic, recordsMax, handle }) =>
      transport.consume({ group, topics: [topic.name], handle: { recordsMax, together: handle } }),
    )
    const ofEvents = [...byGroup(core, subscriptions)].map(([group, ofGroup]) =>
      transport.consume({
        group,
        topics: ofGroup.map((subscription) => subscription.topic.name),
        handle: createRecordHandler(core, { group, subscriptions: ofGroup, transport, database, slots }),
        alone: ofGroup.every((subscription) => typeof subscription.group !== 'string'),
      }),
    )
    consumptions = [...ofRecords, ...ofEvents]
  }

  const run = async (subscriptions: readonly Subscription[]) => {
    if (core.environment.createTopics) {
      const topics = [...options.writes, ...[...subscriptions, ...(options.records ?? [])].map(({ topic }) => topic)]
      await transport.ensureTopics(topicsToMake(topics), stopping.signal)
    }
    if (!consumersStopping.signal.aborted) consume(subscriptions)
    if (!stopping.signal.aborted && source && options.writes.length > 0) await publisher.run(stopping.signal)
  }

  return {
    outbox,
    records: {
      async send(records) {
        await transport.send(records)
      },
      async bury(record, failure) {
        core.log.error({ ...failure, topic: record.topic, key: record.key }, 'giving a record up')
        await transport.send([toDeadLetter(record, { ...failure, at: core.clock.iso() })])
      },
    },
    async start() {
      const subscriptions = options.consumers ?? []
      // A mistake in the wiring is to be seen at start, not when the broker is there.
      for (const [group, ofGroup] of byGroup(core, subscriptions)) {
        createRecordHandler(core, { group, subscriptions: ofGroup, transport, database, slots: createConsumerSlots(1) })
      }
      background.push(run(subscriptions))
      if (database) background.push(keepTidy(core, database, stopping.signal))
    },
    async stopConsumers(deadlineMs) {
      consumersStopping.abort()
      await Promise.all(consumptions.map((consumption) => consumption.stop(deadlineMs)))
    },
    async close() {
      consumersStopping.abort()
      stopping.abort()
      await Promise.all(consumptions.map((consumption) => consumption.stop(0)))
      // A send that waits for a broker that is away ends with the transport; its events stay unsent.
      const finished = Promise.allSettled(background)
      await within(core.clock, finished, sendPatienceMs)
      await transport.close()
      await finished
    },
    notReady: () => [],
  }
}

/** One consumer per group over all its topics; what is broadcast shares one per instance. */
export function byGroup(core: Core, subscriptions: readonly Subscription[]): Map<string, Subscription[]> {
  return Map.groupBy(subscriptions, ({ group }) =>
    typeof group === 'string' ? group : `${core.environment.instance}.broadcast`,
  )
}

const tidyEveryMs = 60 * 60 * 1_000

/** Deletes what the inbox and the outbox need no longer, in small portions, once an hour. */
async function keepTidy(core: Core, database: Database, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await core.clock.delay(tidyEveryMs * (0.75 + core.random() / 2), signal).catch(() => undefined)
    try {
      while (!signal.aborted && (await purgeInbox(database)) + (await purgeOutbox(database)) > 0);
    } catch (error) {
      core.log.warn({ error: String(error) }, 'could not delete old rows of inbox and outbox')
    }
  }
}
