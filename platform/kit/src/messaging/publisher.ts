/**
 * Sends what waits in the outbox, in order, outside any transaction, then marks it. A crash in between sends again,
 * under the same event id (reliability rules 2 and 21). One instance per database does it, by advisory lock or the
 * source's own; should two overlap for a moment, each sends all unsent events in order, so the first occurrences still
 * come in order.
 */
import type { Database, OutboxSource, PollLoop, StoredEvent } from '../api.ts'
import type { Core } from '../core.ts'
import { backOffMs } from '../database/back-off.ts'
import { pollLoop, type Round } from '../process/poll-loop.ts'
import { encodeEvent } from './cloud-events.ts'
import { eventBytesMax } from './outbox.ts'
import type { OutgoingRecord, Place, Transport } from './transport.ts'

export interface Publisher {
  /** Something was committed: here, or on an instance that says so by NOTIFY. */
  committed(): void
  /** Publishes until the signal; the send under way is finished and marked. */
  run(signal: AbortSignal): Promise<void>
}

const eventsMax = 500
const pollMs = 5_000
/** What was sent is marked with the next read; when nothing is committed for so long, by itself. */
const markWithinMs = 500
const channel = 'svyaz_outbox'

export interface PublisherOptions {
  readonly source: OutboxSource | undefined
  readonly transport: Transport
  readonly database?: Database | undefined
}

/** Sends what is in the outbox, in order by key, until it is stopped. */
export const createPublisher = (core: Core, options: PublisherOptions): Publisher => new OutboxPublisher(core, options)

class OutboxPublisher implements Publisher {
  readonly #core: Core
  readonly #options: PublisherOptions
  readonly #metrics: ReturnType<typeof publisherMetrics>
  readonly #loop: PollLoop
  /** Until it ends, this instance is the one that publishes. */
  #held: AbortSignal | undefined
  #failures = 0
  /** Sent and not yet marked. A crash sends them again, under the same ids. */
  #unmarked: StoredEvent[] = []

  constructor(core: Core, options: PublisherOptions) {
    this.#core = core
    this.#options = options
    this.#metrics = publisherMetrics(core)
    this.#loop = pollLoop({
      name: 'outbox-publisher',
      everyMs: options.source?.everyMs ?? pollMs,
      clock: core.clock,
      once: (signal) => this.#round(signal),
    })
  }

  committed(): void {
    if (this.#held?.aborted === false) this.#loop.wake()
    // A lost NOTIFY costs at most one poll.
    else this.#options.database?.notify(channel).catch(() => undefined)
  }

  async run(signal: AbortSignal): Promise<void> {
    const { source, database } = this.#options
    const lead = (held: AbortSignal) => this.#lead(held)
    if (source?.whileLeader) return source.whileLeader(signal, lead)
    if (!database) return lead(signal)
    await database.whileLeader(channel, signal, lead, () => this.#loop.wake())
  }

  async #lead(signal: AbortSignal): Promise<void> {
    const { source } = this.#options
    this.#held = signal
    source?.startOver?.()
    try {
      await this.#loop.run(signal)
      if (source) await this.#markRest(source).catch(() => undefined)
    } finally {
      this.#held = undefined
      this.#metrics.saw([])
    }
  }

  async #round(signal: AbortSignal): Promise<Round | number> {
    const { clock, log, random } = this.#core
    const { source } = this.#options
    if (!source) return 0
    try {
      const round = await this.#publishBatch(source)
      this.#failures = 0
      return round
    } catch (error) {
      this.#failures += 1
      if (this.#failures === 1) log.warn({ error: String(error) }, 'cannot publish for now; the events wait')
      await clock.delay(backOffMs(this.#failures, 50, 1_000, random), signal).catch(() => undefined)
      return 1
    }
  }

  async #publishBatch(from: OutboxSource): Promise<Round> {
    const events = await readNext(from, this.#unmarked)
    this.#unmarked = []
    this.#metrics.saw(events)
    for (const batch of splitByBytes(events)) {
      await send(this.#core, this.#options.transport, batch, this.#metrics.produced)
      this.#unmarked.push(...batch)
    }
    this.#metrics.saw([])
    // Fewer than asked for is all there was, and whatever is committed since then wakes the loop.
    return {
      done: events.length === eventsMax ? events.length : 0,
      dueInMs: this.#unmarked.length > 0 ? markWithinMs : undefined,
    }
  }

  async #markRest(from: OutboxSource): Promise<void> {
    if (this.#unmarked.length === 0) return
    await from.markSent(this.#unmarked)
    this.#unmarked = []
  }
}

const readNext = async (from: OutboxSource, sent: readonly StoredEvent[]): Promise<readonly StoredEvent[]> => {
  if (sent.length === 0) return from.pending(eventsMax)
  if (from.markSentAndRead) return from.markSentAndRead(sent, eventsMax)
  await from.markSent(sent)
  return from.pending(eventsMax)
}

/** Records of one request share a batch per partition, and a broker refuses a batch over about 1 MiB. */
export function splitByBytes(events: readonly StoredEvent[]): StoredEvent[][] {
  const batches: StoredEvent[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const event of events) {
    const size = Buffer.byteLength(JSON.stringify(event.data)) + 512
    if (bytes + size > eventBytesMax) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(event)
    bytes += size
  }
  return batches
}

/**
 * One producer span per event, a child of the span that added it; all of them are open while the one request is under
 * way, and what travels in the record is the producer span's own traceparent.
 */
async function send(
  core: Core,
  transport: Transport,
  events: readonly StoredEvent[],
  produced: (seconds: number, topic: string) => void,
): Promise<void> {
  const source = `/${core.environment.service}`
  const records = new Array<OutgoingRecord>(events.length)
  const sent = Promise.withResolvers<readonly (Place | undefined)[]>()
  // Awaited below; this keeps an early rejection from being "unhandled" while the spans are still opening.
  sent.promise.catch(() => undefined)
  let opening = events.length
  const opened = Promise.withResolvers<void>()
  const spans = events.map((event, index) =>
    core.tracer.span(
      `publish ${event.topic}`,
      {
        kind: 'producer',
        ...(event.traceparent === undefined ? { root: true as const } : { parent: event.traceparent }),
        attributes: {
          'messaging.system': transport.system,
          'messaging.operation.type': 'send',
          'messaging.destination.name': event.topic,
          'messaging.message.id': event.id,
          'svyaz.event.type': event.type,
        },
      },
      async (span) => {
        records[index] = encodeEvent(event, source, span.traceparent)
        opening -= 1
        if (opening === 0) opened.resolve()
        const place = (await sent.promise)[index]
        if (!place) return
        span.set('messaging.destination.partition.id', String(place.partition))
        span.set('messaging.kafka.offset', Number(place.offset))
      },
    ),
  )
  await opened.promise
  const startedAt = core.clock.monotonic()
  transport.send(records).then(sent.resolve, sent.reject)
  await Promise.all(spans)
  const seconds = (core.clock.monotonic() - startedAt) / 1_000
  for (const topic of new Set(events.map((event) => event.topic))) produced(seconds, topic)
}

function publisherMetrics(core: Core) {
  let oldestAt: number | undefined
  let waiting = 0
  core.metrics
    .gauge('svyaz_outbox_oldest_age_seconds', 'Age of the oldest unsent event; 0 where another instance publishes')
    .collect(() => (oldestAt === undefined ? 0 : Math.max(0, (core.clock.now() - oldestAt) / 1_000)))
  core.metrics.gauge('svyaz_outbox_pending', `Unsent events, counted up to ${eventsMax}`).collect(() => waiting)
  const seconds = core.metrics.histogram('svyaz_produce_seconds', 'Time until the broker acknowledged', ['topic'])
  return {
    saw(events: readonly StoredEvent[]) {
      waiting = events.length
      oldestAt = events[0] === undefined ? undefined : Date.parse(events[0].time)
    },
    produced: (value: number, topic: string) => seconds.observe(value, { topic }),
  }
}
