/** Everything that a client could make grow has a limit; these are the defaults. */

import type { GroupLimits } from './groups/coordinator.ts'
import { defaultGroupRules } from './groups/group.ts'

export interface Limits extends GroupLimits {
  readonly connectionsMax: number
  /** A larger frame closes the connection. */
  readonly requestBytesMax: number
  /** Requests of one connection that are being handled or wait for their turn to be answered; reading pauses there. */
  readonly inFlightPerConnectionMax: number
  /** Answers of one connection that the socket has not taken yet; reading pauses there. */
  readonly unsentBytesPerConnectionMax: number
  /** Fetches that wait for data; beyond it they are answered at once. */
  readonly parkedFetchesMax: number
  /** Upper bound of one Fetch answer, whatever the client asks for. */
  readonly fetchBytesMax: number
  /** A connection without a request for so long is closed. */
  readonly idleConnectionMs: number
  readonly topicsMax: number
  readonly partitionsMax: number
  readonly offsetMetadataBytesMax: number
  readonly producersPerPartitionMax: number
}

export const defaultLimits: Limits = Object.freeze({
  ...defaultGroupRules,
  groupsMax: 10_000,
  connectionsMax: 2_000,
  requestBytesMax: 100 * 1024 * 1024,
  inFlightPerConnectionMax: 256,
  unsentBytesPerConnectionMax: 64 * 1024 * 1024,
  parkedFetchesMax: 10_000,
  fetchBytesMax: 55 * 1024 * 1024,
  idleConnectionMs: 600_000,
  topicsMax: 5_000,
  partitionsMax: 50_000,
  offsetMetadataBytesMax: 4_096,
  producersPerPartitionMax: 1_000,
})
