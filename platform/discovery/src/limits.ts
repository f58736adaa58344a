/**
 * Every bound of the server, in one place. A value here is a promise to the operator: nothing grows past it.
 * Where Consul has the same bound, the default is Consul's.
 */
export interface Limits {
  /** Largest body of a registration or check update. */
  readonly bodyBytesMax: number
  /** Largest value under one key (Consul: `kv_max_value_size`, 512 KiB). */
  readonly keyValueBytesMax: number
  readonly keyBytesMax: number
  readonly keysMax: number
  /** All keys and values together: what a snapshot may weigh. */
  readonly keysBytesMax: number
  readonly servicesMax: number
  readonly checksMax: number
  /** Kept of a check's output; the rest is cut (Consul: 4 KiB). */
  readonly checkOutputBytesMax: number
  /** Probes that may be in the air together; the others wait their turn. */
  readonly probesMax: number
  readonly probeIntervalMsMin: number
  readonly probeTimeoutMsDefault: number
  /** Consul lifts a shorter `DeregisterCriticalServiceAfter` to this. */
  readonly deregisterAfterMsMin: number
  readonly ttlMsMin: number
  readonly waitMsDefault: number
  readonly waitMsMax: number
  /** A wait is lengthened by up to wait / this, so that a herd does not come back at one moment. */
  readonly waitJitterDivisor: number
  /** Blocking queries that may be parked together; one more is answered 503 with Retry-After. */
  readonly parkedQueriesMax: number
  readonly connectionsMax: number
  /** Of one client address; a machine's instances are many. */
  readonly connectionsPerAddressMax: number
  readonly headerTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly filterCharactersMax: number
  /** Deleted keys remembered for watchers of a prefix; older ones are folded into one floor. */
  readonly tombstonesMax: number
  /** Entries handed to the journal and not yet on disk; more are refused with 503. */
  readonly journalPendingMax: number
  /** The journal is folded into a snapshot when it has grown past this. */
  readonly journalBytesMax: number
  /** How soon storing is tried again after the disk refused. */
  readonly storageRetryMs: number
  /** A timer that comes later than this means that the process stood still: time to live is then extended by as much. */
  readonly stallMs: number
  /** Time that open requests have to end when the server stops. */
  readonly drainMs: number
}

export const defaultLimits: Limits = Object.freeze({
  bodyBytesMax: 256 * 1024,
  keyValueBytesMax: 512 * 1024,
  keyBytesMax: 2048,
  keysMax: 20_000,
  keysBytesMax: 64 * 1024 * 1024,
  servicesMax: 5_000,
  checksMax: 10_000,
  checkOutputBytesMax: 4096,
  probesMax: 64,
  probeIntervalMsMin: 100,
  probeTimeoutMsDefault: 10_000,
  deregisterAfterMsMin: 60_000,
  ttlMsMin: 1,
  waitMsDefault: 300_000,
  waitMsMax: 600_000,
  waitJitterDivisor: 16,
  parkedQueriesMax: 4096,
  connectionsMax: 8192,
  connectionsPerAddressMax: 4096,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  filterCharactersMax: 2048,
  tombstonesMax: 4096,
  journalPendingMax: 1000,
  journalBytesMax: 4 * 1024 * 1024,
  storageRetryMs: 1000,
  stallMs: 2000,
  drainMs: 3000,
})
