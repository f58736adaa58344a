/**
 * What happens to a record, whatever carried it (reliability rules 1 and 3). Its steps, in reading order, are files of
 * consumer/: read → attempt (claim, handle) → retry → give up. Here they are put together.
 */
import type { Database, Subscription } from '../api.ts'
import type { Core } from '../core.ts'
import { breakableSteps } from './breakable.ts'
import { createAttempt } from './consumer/attempt.ts'
import { createGiveUp } from './consumer/give-up.ts'
import { consumerMetrics } from './consumer/metrics.ts'
import { createReader } from './consumer/read.ts'
import { createRetries } from './consumer/retry.ts'
import { steps as plainSteps } from './consumer/steps.ts'
import type { ConsumerContext } from './consumer/work.ts'
import type { Slots } from './slots.ts'
import type { IncomingRecord, Transport } from './transport.ts'

/** Resolving means that the record may be acknowledged. */
export type HandleRecord = (record: IncomingRecord, signal: AbortSignal) => Promise<void>

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
  const metrics = consumerMetrics(core, group)
  const context: ConsumerContext = { core, group, system: transport.system, metrics }
  const steps = breakableSteps(core, plainSteps)
  const read = createReader(options)
  const giveUp = createGiveUp(context, transport.send)
  const settle = createRetries(context, {
    attempt: createAttempt(context, steps),
    settled: steps.settled,
    giveUp,
    slots: options.slots,
  })

  return async (record, signal) => {
    const what = read(record)
    if (what.do === 'pass') return metrics.handled(what.type, what.why)
    if (what.do === 'bury') {
      core.log.error({ group, topic: record.topic, reason: what.broken }, 'a record breaks its contract')
      return giveUp(record, { error: what.broken, attempts: 1 }, signal)
    }
    metrics.received(what.work.event)
    await settle(what.work, signal)
  }
}
