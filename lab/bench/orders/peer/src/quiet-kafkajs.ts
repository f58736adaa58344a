/**
 * kafkajs 2.2.4, its last release, looks at the queue of every connection a thousand times a second for as long as the
 * connection lives, throttled or not, and Node 24 warns of the negative time-out that this comes from. An answer looks at
 * the queue anyway, so a timer is needed only while the broker throttles. A team that wonders where its processor time
 * goes at rest finds that, so the peer has it mended.
 */
import { createRequire } from 'node:module'

interface RequestQueue {
  readonly throttledUntil: number
  readonly pending: readonly unknown[]
  throttleCheckTimeoutId: NodeJS.Timeout | null
  checkPendingRequests(): void
  scheduleCheckPendingRequests(): void
}

const { prototype } = createRequire(__filename)('kafkajs/src/network/requestQueue/index.js') as {
  prototype: RequestQueue
}
/** As in kafkajs: CHECK_PENDING_REQUESTS_INTERVAL. */
const pendingAgainMs = 10

prototype.scheduleCheckPendingRequests = function (this: RequestQueue) {
  if (this.throttleCheckTimeoutId || (this.pending.length === 0 && this.throttledUntil <= Date.now())) return
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null
      this.checkPendingRequests()
    },
    Math.max(this.throttledUntil - Date.now(), pendingAgainMs),
  )
}
