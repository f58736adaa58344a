/**
 * kafkajs: the Kafka client that the system itself does not use, for all that looks at topics from outside.
 *
 * The queue of a connection sets a timer that sets itself again in 2.2.4, its last release: every millisecond at rest, with a
 * warning of Node's (TimeoutNegativeWarning), and for ever when an answer comes after the queue was destroyed. A queue in
 * which nothing waits needs no timer: what is put into it looks for itself.
 */
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from 'kafkajs'

interface RequestQueue {
  readonly throttledUntil: number
  readonly pending: readonly unknown[]
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const { prototype } = createRequire(import.meta.url)('kafkajs/src/network/requestQueue/index.js') as {
  prototype: RequestQueue
}
const pendingAgainMs = 10

prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.throttleCheckTimeoutId || this.pending.length === 0) return
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    Math.max(this.throttledUntil - Date.now(), pendingAgainMs),
  )
}

/** What kafkajs has begun by then it never ends: a connection that is cut while it is made leaves its promise open. */
const patienceMs = 30_000
const goodbyeMs = 5_000

/** @throws Error when it isn't done in time; it goes on, and nobody hears of it */
export async function inTime<T>(work: Promise<T>, ms: number = patienceMs): Promise<T> {
  const over = new AbortController()
  const late = delay(ms, undefined, { signal: over.signal }).then(() => {
    throw new Error(`kafkajs was not done within ${ms / 1_000} s`)
  })
  late.catch(() => undefined)
  return Promise.race([work, late]).finally(() => over.abort())
}

/** Ends a client, as far as it can be ended. @param ms how long that may take */
export const partWith = (client: { disconnect(): Promise<void> } | undefined, ms: number = goodbyeMs): Promise<void> =>
  client === undefined ? Promise.resolve() : inTime(client.disconnect(), ms).catch(() => undefined)

export default kafkajs
