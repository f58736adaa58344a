/**
 * What happens to records, whatever carried them (reliability rules 1 and 3). The steps, in reading order, are files of
 * consumer/: portion → read → group, or one by one: attempt (claim, handle) → retry → give up. Here they are put together.
 */
import type { Database, Subscription } from '../api.ts'
import type { Core } from '../core.ts'
import { breakableSteps } from './breakable.ts'
import { createAttempt } from './consumer/attempt.ts'
import { createGiveUp } from './consumer/give-up.ts'
import { createGroups } from './consumer/group.ts'
import { consumerMetrics } from './consumer/metrics.ts'
import { createPortions } from './consumer/portion.ts'
import { createReader } from './consumer/read.ts'
import { createRetries } from './consumer/retry.ts'
import { steps as plainSteps } from './consumer/steps.ts'
import type { ConsumerContext } from './consumer/work.ts'
import { createSlots, type Slots } from './slots.ts'
import type { RecordHandling, Transport } from './transport.ts'

/** Handlers at work at once: those in a transaction, and those that bear repetition themselves and may wait for long. */
export interface ConsumerSlots {
  readonly inbox: Slots
  readonly others: Slots
}

/** Room for `max` handlers of each kind. */
export const createConsumerSlots = (max: number): ConsumerSlots => ({
  inbox: createSlots(max),
  others: createSlots(max),
})

/** @param options.group names the consumer in the inbox, the dead letters and the metrics */
export function createRecordHandler(
  core: Core,
  options: {
    group: string
    subscriptions: readonly Subscription[]
    transport: Transport
    database: Database | undefined
    slots: ConsumerSlots
  },
): RecordHandling {
  const { group, transport, slots } = options
  const context: ConsumerContext = { core, group, system: transport.system, metrics: consumerMetrics(core, group) }
  const steps = breakableSteps(core, plainSteps)
  const giveUp = createGiveUp(context, transport.send)
  const settle = createRetries(context, {
    attempt: createAttempt(context, steps),
    settled: steps.settled,
    giveUp,
    slotsOf: ({ database }) => (database ? slots.inbox : slots.others),
  })
  const together = createGroups(context, { steps, slots: slots.inbox })
  const gathers = options.subscriptions.some(({ dedupe }) => dedupe !== 'none')
  return createPortions(context, { read: createReader(options), together, settle, giveUp, gathers })
}
