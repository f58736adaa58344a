/**
 * kafkajs: the Kafka client that the system itself does not use, for all that looks at topics from outside.
 *
 * The queue of a connection sets a timer that sets itself again in 2.2.4, its last release: every millisecond at rest, with a
 * warning of Node's (TimeoutNegativeWarning), and for ever when an answer comes after the queue was destroyed. A queue in
 * which nothing waits needs no timer: what is put into it looks for itself.
 */
import { createRequire } from 'node:module'
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

export default kafkajs
