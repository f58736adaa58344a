/**
 * kafkajs: the Kafka client that the system itself does not use, for all that looks at topics from outside.
 *
 * A connection that was never throttled has `throttledUntil = -1` in 2.2.4, its last release, which sets a timer for that
 * moment minus now. Node waits 1 ms instead and warns (TimeoutNegativeWarning); here the queue asks for that itself.
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
  if (this.throttleCheckTimeoutId) return
  const leastMs = this.pending.length > 0 ? pendingAgainMs : 1
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    Math.max(this.throttledUntil - Date.now(), leastMs),
  )
}

export default kafkajs
