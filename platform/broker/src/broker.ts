/** What the handlers of the APIs work with: the parts of the broker, without sockets or bytes. */
import type { Damage } from './damage.ts'
import type { GroupCoordinator } from './groups/coordinator.ts'
import type { CommittedOffsets } from './groups/offsets.ts'
import type { Growth } from './growth.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log/log.ts'
import type { Producers } from './producers/producers.ts'
import type { Topics } from './topics/topics.ts'

export interface Broker {
  readonly clusterId: string
  readonly nodeId: number
  /** Where clients are told to connect: a proxy may be there. */
  readonly advertised: { readonly host: string; readonly port: number }
  readonly autoCreateTopics: boolean
  readonly defaultPartitions: number
  readonly limits: Limits
  readonly log: Log
  readonly topics: Topics
  readonly producers: Producers
  readonly groups: GroupCoordinator
  readonly offsets: CommittedOffsets
  readonly growth: Growth
  readonly damage: Damage
  /** Random text for member ids. */
  readonly newId: () => string
}

/** Who asks. */
export interface Caller {
  readonly clientId: string
  /** As "/127.0.0.1", the form that Kafka's tools show. */
  readonly host: string
  readonly apiVersion: number
  /** Aborted when the connection ends, or when a request behind this one needs its turn: stop waiting, answer now. */
  readonly hurry: AbortSignal
}
