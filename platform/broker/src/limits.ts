/** Everything that a client could make grow has a limit; these are the defaults. */

import type { GroupLimits } from './groups/coordinator.ts'
import { defaultGroupRules } from './groups/group.ts'

export interface Limits extends GroupLimits {
  /** Beyond it the one that has waited longest for its client is closed, see platform/listener. */
  readonly connectionsMax: number
  /** Of one client address; on one machine everybody has the same. */
  readonly connectionsPerAddressMax: number
  /** A larger frame closes the connection. */
  readonly requestBytesMax: number
  /** Until a first request was read. Clients may begin with any request, a Produce too (KafkaJS does). */
  readonly firstRequestBytesMax: number
  /** A connection without a first request for so long is closed. */
  readonly firstRequestMsMax: number
  /** From a frame's first byte to its last. */
  readonly frameMsMax: number
  /** Of frames that are arriving, on all connections; reading pauses there. Smaller frames aren't counted. */
  readonly arrivingBytesMax: number
  readonly arrivingFrameBytesMin: number
  /** How long a frame may hold its part of it while others wait. */
  readonly contendedFrameMsMax: number
  /** How often these times are looked at: one may be over by so much. */
  readonly checkEveryMs: number
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
  connectionsPerAddressMax: 1_500,
  requestBytesMax: 100 * 1024 * 1024,
  firstRequestBytesMax: 8 * 1024 * 1024,
  firstRequestMsMax: 30_000,
  frameMsMax: 30_000,
  arrivingBytesMax: 128 * 1024 * 1024,
  arrivingFrameBytesMin: 64 * 1024,
  contendedFrameMsMax: 2_000,
  checkEveryMs: 1_000,
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
