/**
 * Events out and in: outbox → publisher → broker → consumers → inbox.
 *
 * Read in this order: messaging.ts; out: outbox.ts, unsent-floor.ts, publisher.ts, cloud-events.ts, topics.ts; in: consumer.ts,
 * consumer/work.ts, consumer/portion.ts, consumer/read.ts, consumer/group.ts, consumer/attempt.ts, inbox.ts, consumer/retry.ts, decide.ts,
 * consumer/give-up.ts, dead-letter.ts, consumer/steps.ts, consumer/metrics.ts, slots.ts, dlq.ts (replay), json-path.ts, operator-write.ts (an operator’s search and event); breakable.ts
 * (the checker). What carries it: transport.ts, transports.ts (which one), membership.ts; kafka/transport.ts, kafka/settings.ts, kafka/client.ts,
 * kafka/late-validators.ts, kafka/producer.ts, kafka/group.ts, kafka/generation.ts, kafka/lane.ts, kafka/turns.ts, kafka/records.ts,
 * kafka/early-commit.ts, kafka/admin.ts, kafka/topic-job.ts; for operators: kafka/inspect.ts, kafka/reader.ts. Or
 * rabbitmq/transport.ts, rabbitmq/settings.ts, rabbitmq/topology.ts, rabbitmq/connection.ts, rabbitmq/declare.ts,
 * rabbitmq/sender.ts, rabbitmq/records.ts, rabbitmq/group.ts, rabbitmq/lane.ts, rabbitmq/inspect.ts, rabbitmq/topic-job.ts.
 */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import type {
  Database,
  IncomingRecord,
  Outbox,
  OutboxSource,
  RecordSubscription,
  Records,
  Subscription,
} from '../api.ts'
import type { Core } from '../core.ts'
import { within } from '../process/waiting.ts'
import { breakableCommitted, breakableOutbox, breakableSource } from './breakable.ts'
import { encodeEvent } from './cloud-events.ts'
import { type ConsumerMetrics, consumerMetrics } from './consumer/metrics.ts'
import { type ConsumerSlots, createConsumerSlots, createRecordHandler } from './consumer.ts'
import { toDeadLetter } from './dead-letter.ts'
import { purgeInbox } from './inbox.ts'
import { createOutbox, purgeOutbox, tableSource } from './outbox.ts'
import { createPublisher, type Publisher } from './publisher.ts'
import { topicsToMake } from './topics.ts'
import type { Consumption, RecordHandling, Transport, TransportTopic } from './transport.ts'
import { openTransport } from './transports.ts'

export interface MessagingOptions {
  database?: Database | undefined
  /** Topics this service writes. */
  writes: readonly Topic[]
  consumers?: readonly Subscription[]
  /** Topics read as records, each in a group of its own. */
  records?: readonly RecordSubscription[]
  /** Default: the outbox table, where there is a database. */
  outboxSource?: OutboxSource | undefined
  /** Default: what the environment names. */
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

/** Outbox, inbox and consumers of a service, over what the environment names or the transport that a test gives. */
export async function openMessaging(core: Core, options: MessagingOptions): Promise<Messaging> {
  const read = [...(options.consumers ?? []), ...(options.records ?? [])].map(({ topic }) => topic)
  const topics = topicsToMake([...options.writes, ...read])
  const transport = options.transport ?? (await openTransport(core, topics))
  return new ServiceMessaging(core, options, transport, topics)
}

class ServiceMessaging implements Messaging {
  readonly outbox: Outbox
  readonly records: Records
  /** Records that were given up: nobody has handled them. */
  readonly #buried = new WeakSet<IncomingRecord>()
  readonly #core: Core
  readonly #options: MessagingOptions
  readonly #transport: Transport
  readonly #topics: readonly TransportTopic[]
  readonly #publisher: Publisher
  readonly #publishes: boolean
  readonly #stopping = new AbortController()
  readonly #consumersStopping = new AbortController()
  readonly #background: Promise<void>[] = []
  #consumptions: Consumption[] = []

  constructor(core: Core, options: MessagingOptions, transport: Transport, topics: readonly TransportTopic[]) {
    this.#core = core
    this.#options = options
    this.#transport = transport
    this.#topics = topics
    const { database, writes } = options
    const unsent = options.outboxSource ?? (database ? tableSource(database) : undefined)
    const source = unsent && breakableSource(core, unsent)
    this.#publishes = source !== undefined && writes.length > 0
    this.#publisher = createPublisher(core, { source, transport, database })
    const wake = () => this.#publisher.committed()
    const plainOutbox = createOutbox(core, writes, { committed: breakableCommitted(core, wake), wake })
    this.outbox = breakableOutbox(core, plainOutbox, writes, (events) =>
      transport.send(events.map((event) => encodeEvent(event, `/${core.environment.service}`, event.traceparent))),
    )
    this.records = recordsOver(core, transport, this.#buried)
  }

  async start(): Promise<void> {
    const { consumers = [], database } = this.#options
    // A mistake in the wiring is to be seen at start, not when the broker is there.
    for (const [group, ofGroup] of byGroup(this.#core, consumers))
      this.#handlerOf(group, ofGroup, createConsumerSlots(1))
    this.#background.push(this.#run())
    if (database) this.#background.push(keepTidy(this.#core, database, this.#stopping.signal))
  }

  async stopConsumers(deadlineMs: number): Promise<void> {
    this.#consumersStopping.abort()
    await Promise.all(this.#consumptions.map((consumption) => consumption.stop(deadlineMs)))
  }

  async close(): Promise<void> {
    this.#stopping.abort()
    await this.stopConsumers(0)
    // A send that waits for a broker that is away ends with the transport; its events stay unsent.
    const finished = Promise.allSettled(this.#background)
    await within(this.#core.clock, finished, sendPatienceMs)
    await this.#transport.close()
    await finished
  }

  notReady(): readonly string[] {
    return []
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    if (this.#core.environment.createTopics) await this.#transport.ensureTopics(this.#topics, signal)
    if (!this.#consumersStopping.signal.aborted) this.#consume()
    if (!signal.aborted && this.#publishes) await this.#publisher.run(signal)
  }

  #consume(): void {
    const { consumers = [], records = [], handlersMax = 8 } = this.#options
    const slots = createConsumerSlots(handlersMax)
    const ofRecords = records.map(({ group, topic, recordsMax, handle }) =>
      this.#transport.consume({
        group,
        topics: [topic.name],
        handle: { recordsMax, together: countedTogether(consumerMetrics(this.#core, group), this.#buried, handle) },
      }),
    )
    const ofEvents = [...byGroup(this.#core, consumers)].map(([group, ofGroup]) =>
      this.#transport.consume({
        group,
        topics: ofGroup.map((subscription) => subscription.topic.name),
        handle: this.#handlerOf(group, ofGroup, slots),
        alone: ofGroup.every((subscription) => typeof subscription.group !== 'string'),
      }),
    )
    this.#consumptions = [...ofRecords, ...ofEvents]
  }

  #handlerOf(group: string, subscriptions: readonly Subscription[], slots: ConsumerSlots): RecordHandling {
    const { database } = this.#options
    return createRecordHandler(this.#core, { group, subscriptions, transport: this.#transport, database, slots })
  }
}

/** Records that were handled together count like events that were handled one by one; those that were given up don't. */
export function countedTogether(
  metrics: Pick<ConsumerMetrics, 'handled'>,
  buried: WeakSet<IncomingRecord>,
  handle: RecordSubscription['handle'],
): RecordSubscription['handle'] {
  return async (batch, signal) => {
    await handle(batch, signal)
    const done = batch.filter((record) => !buried.has(record))
    const byType = Map.groupBy(done, ({ headers }) => headers.ce_type ?? '')
    for (const [type, ofType] of byType) metrics.handled(type, 'done', ofType.length)
  }
}

const recordsOver = (core: Core, transport: Transport, buried: WeakSet<IncomingRecord>): Records => ({
  async send(records) {
    await transport.send(records)
  },
  async bury(record, failure) {
    core.log.error({ ...failure, topic: record.topic, key: record.key }, 'giving a record up')
    await transport.send([toDeadLetter(record, { ...failure, at: core.clock.iso() })])
    buried.add(record)
    consumerMetrics(core, failure.consumer).buried(record.topic, record.headers.ce_type ?? '')
  },
})

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
