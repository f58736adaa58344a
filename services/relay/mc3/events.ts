/** Reads the topic, stamps, posts to MC1. An offset is committed after MC1's 2xx, which follows MC1's commit. */
import { relayLimits, relayMessages } from '@svyaz/contracts/events/relay.ts'
import {
  type Context,
  Failure,
  type IncomingRecord,
  type OpenSpan,
  type RecordSubscription,
  subscribeRecords,
} from '@svyaz/kit'
import { backOffMs } from '../back-off.ts'
import { stampAfter } from '../message.ts'
import { limits } from './config.ts'
import { forwardOf, portions, type Read, readRecord } from './forward.ts'
import type { Poster } from './poster.ts'

const consumer = 'mc3'
const bounds = { minMs: limits.retryMsMin, maxMs: limits.retryMsMax }

/** The topic that MC3 reads; an offset counts when MC1 has stored the message. */
export const subscriptions = (context: Context<unknown>, poster: Poster): RecordSubscription[] => {
  const returning = new Returning(context, poster)
  return [
    subscribeRecords({
      topic: relayMessages,
      group: consumer,
      recordsMax: relayLimits.messagesTogetherMax,
      handle: (batch, signal) => returning.handle(batch, signal),
    }),
  ]
}

class Returning {
  readonly #context: Context<unknown>
  readonly #poster: Poster

  constructor(context: Context<unknown>, poster: Poster) {
    this.#context = context
    this.#poster = poster
  }

  async handle(batch: readonly IncomingRecord[], signal: AbortSignal): Promise<void> {
    const reads: Read[] = []
    for (const record of batch) {
      const read = readRecord(record)
      if ('broken' in read) await this.#bury(record, read.broken, signal)
      else reads.push(read)
    }
    for (const portion of portions(reads)) await this.#forward(portion, signal)
  }

  async #forward(reads: readonly Read[], signal: AbortSignal): Promise<void> {
    const spans = reads.map((read) => this.#open(read))
    const traces = spans.map((span) => span.traceparent)
    const { clock } = this.#context
    for (const { message } of reads) message.MC3_timestamp = stampAfter(message.MC2_timestamp, clock.micros())
    try {
      await this.#until(signal, () => this.#poster.post(forwardOf(reads, traces)))
      for (const span of spans) span.end()
    } catch (error) {
      for (const span of spans) span.end(String(error))
      if (signal.aborted) throw error
      await this.#refused(reads, String(error), signal)
    }
  }

  /** One of them is refused for good: alone, the others get through. */
  async #refused(reads: readonly Read[], reason: string, signal: AbortSignal): Promise<void> {
    const [only, ...others] = reads
    if (others.length > 0) for (const read of reads) await this.#forward([read], signal)
    else if (only) await this.#bury(only.record, reason, signal)
  }

  #bury(record: IncomingRecord, reason: string, signal: AbortSignal): Promise<void> {
    const why = { consumer, error: reason, attempts: 1 }
    return this.#until(signal, () => this.#context.records.bury(record, why))
  }

  /** Repeats what fails because something is away, without limit; any other failure is thrown. */
  async #until(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { clock, log, random } = this.#context
    for (let failures = 0; ; ) {
      signal.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        if (error instanceof Failure && error.code !== 'unavailable') throw error
        failures += 1
        if (failures === 1) log.warn({ err: error }, 'MC1 does not take messages for now')
        await clock.delay(backOffMs(failures, bounds, random()), signal)
      }
    }
  }

  #open({ record, message }: Read): OpenSpan {
    return this.#context.tracer.open('process relay.messages', {
      kind: 'consumer',
      parent: record.headers.traceparent,
      attributes: {
        'messaging.system': 'kafka',
        'messaging.operation.type': 'process',
        'messaging.destination.name': record.topic,
        'messaging.consumer.group.name': consumer,
        ...(record.place ? { 'messaging.kafka.offset': Number(record.place.offset) } : {}),
        'svyaz.relay.id': message.id,
        'svyaz.relay.session_id': message.session_id,
      },
    })
  }
}
