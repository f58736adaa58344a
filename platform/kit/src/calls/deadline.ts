/** The deadline of what is being answered now: calls made meanwhile inherit it (reliability rule 11). */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Clock } from '../api.ts'

/** Milliseconds that remain, as an HTTP request header; gRPC has its own. */
export const deadlineHeader = 'x-svyaz-deadline-ms'

const current = new AsyncLocalStorage<number | undefined>()

/** Runs `work` with a deadline in monotonic ms for every call inside; undefined lifts it (streams). */
export const withDeadline = <T>(deadlineAt: number | undefined, work: () => T): T => current.run(deadlineAt, work)

/** The monotonic ms until which a call of at most `timeoutMs` may last: never beyond what the caller waits. */
export const deadlineFor = (clock: Clock, timeoutMs: number | undefined): number | undefined => {
  const own = timeoutMs === undefined ? undefined : clock.monotonic() + timeoutMs
  const inherited = current.getStore()
  if (own === undefined || inherited === undefined) return own ?? inherited
  return Math.min(own, inherited)
}
