/** What the steps of a consumer hand to each other. */
import type { Database, Message, Subscription, Tx } from '../../api.ts'
import type { Core } from '../../core.ts'
import type { CloudEvent } from '../cloud-events.ts'
import type { IncomingRecord } from '../transport.ts'
import type { ConsumerMetrics } from './metrics.ts'

/** What every step is given. */
export interface ConsumerContext {
  readonly core: Core
  /** Names the consumer in the inbox, the dead letters and the metrics. */
  readonly group: string
  /** `messaging.system` of the spans. */
  readonly system: string
  readonly metrics: ConsumerMetrics
}

export type Handler = (message: Message, tx: Tx | undefined) => Promise<void>

/** A record that was read and has a handler. */
export interface Work {
  readonly record: IncomingRecord
  readonly event: CloudEvent
  readonly subscription: Subscription
  readonly handler: Handler
  /** Where its transaction is; undefined for a handler that has none. */
  readonly database: Database | undefined
  /** Whether it is claimed in the inbox; else the handler bears repetition itself. */
  readonly claimed: boolean
  /** It came back from the dead letters, for this consumer. */
  readonly replayed: boolean
}

/** How a try ended: `dead` is a redelivery of what was given up before. */
export type Outcome = 'done' | 'duplicate' | 'dead'

/** An error as logs and dead letters show it. */
export const told = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error)
