/** Every setting of the RabbitMQ client, as data (docs/decisions/0089): nothing in this folder has figures of its own. */

export const rabbitSettings = {
  /** The topic exchange that everything is sent to. */
  exchange: 'svyaz',
  connectTimeoutMs: 3_000,
  /** Both sides take the other for dead after two of these without a byte. */
  heartbeatSeconds: 10,
  /** The server's default; the client's own is 4 KiB, several frames for one record. */
  frameBytesMax: 128 * 1024,
  /** Unfinished records that a queue may have handed to this instance; at least four portions of what is handled together. */
  prefetchMin: 256,
  /** A broadcast queue whose instance is away for longer is deleted by the server. */
  broadcastExpiresMs: 60 * 60 * 1_000,
  /** Like a Kafka topic's retention: a day less than the inbox remembers (reliability rule 3). */
  recordAgeMaxMs: 6 * 24 * 60 * 60 * 1_000,
  /** Of the streams that keep dead letters: the server deletes whole segments. */
  segmentBytesMax: 20_000_000,
} as const

export const rabbitTimings = {
  /** When a consumer is given up: how long running handlers may take before it goes on without them. */
  drainMs: 4_000,
  /** How often waiting records and members are counted. */
  measureEveryMs: 5_000,
  /**
   * A send that isn't confirmed by then is given up with its channel, and repeated by whoever sends. A server that was
   * killed may have taken a record to a queue that was not there yet, and then never confirms it.
   */
  confirmMs: 10_000,
  /** A stream that is read and brings nothing for this long has come to its end. */
  streamSilentMs: 1_000,
  /** A peer that doesn't answer a close is left. */
  closeMs: 2_000,
} as const

/**
 * The address with what the client reads from it.
 * @param url `amqp://user:password@host:port/vhost`, or `amqps:`
 */
export const connectionUrl = (url: string): string => {
  const address = new URL(url)
  address.searchParams.set('heartbeat', String(rabbitSettings.heartbeatSeconds))
  address.searchParams.set('frameMax', String(rabbitSettings.frameBytesMax))
  return address.href
}

/** The address without its password, for logs and spans. */
export const shownAddress = (url: string): string => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}
