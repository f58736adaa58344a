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
import { stampAfter } from '../message.ts'
import { limits } from './config.ts'
import { forwardOf, portions, type Read, readRecord } from './forward.ts'
import type { Poster } from './poster.ts'

const consumer = 'mc3'

/** The topic that MC3 reads; an offset counts when MC1 has stored the message. */
export const subscriptions = (context: Context<unknown>, poster: Poster): RecordSubscription[] => {
  const { clock, log, random, records, tracer } = context

  const bury = async (record: IncomingRecord, reason: string, signal: AbortSignal) =>
    until(signal, () => records.bury(record, { consumer, error: reason, attempts: 1 }))

  /** Repeats what fails because something is away, without limit; any other failure is thrown. */
  const until = async (signal: AbortSignal, work: () => Promise<void>): Promise<void> => {
    for (let failures = 0; ; ) {
      signal.throwIfAborted()
      try {
        return await work()
      } catch (error) {
        if (error instanceof Failure && error.code !== 'unavailable') throw error
        failures += 1
        if (failures === 1) log.warn({ err: error }, 'MC1 does not take messages for now')
        const ceilingMs = Math.min(limits.retryMsMax, limits.retryMsMin * 2 ** Math.min(failures, 10))
        await clock.delay(ceilingMs / 2 + (random() * ceilingMs) / 2, signal)
      }
    }
  }

  const forward = async (reads: readonly Read[], signal: AbortSignal): Promise<void> => {
    const spans = reads.map(open)
    const traces = spans.map((span) => span.traceparent)
    for (const { message } of reads) message.MC3_timestamp = stampAfter(message.MC2_timestamp, clock.micros())
    try {
      await until(signal, () => poster.post(forwardOf(reads, traces)))
      for (const span of spans) span.end()
    } catch (error) {
      for (const span of spans) span.end(String(error))
      if (signal.aborted) throw error
      const [only, ...others] = reads
      // One of them is refused for good: alone, the others get through.
      if (others.length > 0) for (const read of reads) await forward([read], signal)
      else if (only) await bury(only.record, String(error), signal)
    }
  }

  const open = ({ record, message }: Read): OpenSpan =>
    tracer.open('process relay.messages', {
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

  return [
    subscribeRecords({
      topic: relayMessages,
      group: consumer,
      recordsMax: relayLimits.messagesTogetherMax,
      async handle(batch, signal) {
        const reads: Read[] = []
        for (const record of batch) {
          const read = readRecord(record)
          if ('broken' in read) await bury(record, read.broken, signal)
          else reads.push(read)
        }
        for (const portion of portions(reads)) await forward(portion, signal)
      },
    }),
  ]
}
