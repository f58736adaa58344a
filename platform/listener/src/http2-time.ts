/**
 * When an HTTP/2 session or one of its requests has had its time. Node has an idle timer per session, which any frame
 * starts again, a PING too; what counts here is requests. Pure: times come in, what to end comes out.
 */

export interface SessionTimes {
  /** From the first byte to the first complete header section. */
  readonly headersMs: number
  /** From a request's headers to its last byte. */
  readonly requestMs: number
  /** Without any request under way. */
  readonly keepAliveMs: number
}

export interface OpenRequest {
  readonly beganAt: number
  /** Its last byte has come: how long the answer takes is the answerer's affair. */
  complete: boolean
}

export interface SessionState<R extends OpenRequest> {
  readonly openedAt: number
  /** When the last request ended; undefined before the first one came. */
  restedAt: number | undefined
  readonly requests: Set<R>
}

/**
 * What has had its time.
 *
 * @param now milliseconds of the clock that the state was written by
 * @returns `'session'` when all of it has to go; otherwise the requests that are late
 */
export function overdue<R extends OpenRequest>(
  state: SessionState<R>,
  now: number,
  { headersMs, requestMs, keepAliveMs }: SessionTimes,
): 'session' | readonly R[] {
  if (state.requests.size === 0) {
    const { restedAt } = state
    const since = restedAt ?? state.openedAt
    return now - since > (restedAt === undefined ? headersMs : keepAliveMs) ? 'session' : []
  }
  return [...state.requests].filter(({ beganAt, complete }) => !complete && now - beganAt > requestMs)
}
