/**
 * When an HTTP/2 session or one of its requests has had its time. Node has an idle timer per session, which any frame
 * starts again, a PING too; what counts here is requests, and answers that leave. Pure: times come in, what to end comes
 * out.
 */
import { isOverdue, type Unread } from './unread.ts'

export interface SessionTimes {
  /** From the first byte to the first complete header section. */
  readonly headersMs: number
  /** From a request's headers to its last byte. */
  readonly requestMs: number
  /** Without any request under way. */
  readonly keepAliveMs: number
  /** How long nothing may leave of an answer that is there. */
  readonly unreadMsMax: number
}

export interface OpenRequest {
  readonly beganAt: number
  /** Its last byte has come: how long the answer takes is the answerer's affair. */
  complete: boolean
  /** It was told that it is late; what is left is that it reads so. */
  refused: boolean
  /** By the last look; undefined while nothing waits, as nothing may have been written yet. */
  unread: Unread | undefined
}

export interface SessionState<R extends OpenRequest> {
  readonly openedAt: number
  /** When the last request ended; undefined before the first one came. */
  restedAt: number | undefined
  readonly requests: Set<R>
}

export interface Overdue<R extends OpenRequest> {
  /** Their bodies don't come. */
  readonly late: readonly R[]
  /** Their answers aren't taken: the client's window for them is shut, or it doesn't read its connection. */
  readonly unread: readonly R[]
}

/**
 * What has had its time.
 *
 * @param now milliseconds of the clock that the state was written by
 * @returns `'session'` when all of it has to go
 */
export function overdue<R extends OpenRequest>(
  state: SessionState<R>,
  now: number,
  { headersMs, requestMs, keepAliveMs, unreadMsMax }: SessionTimes,
): 'session' | Overdue<R> {
  const { requests, restedAt, openedAt } = state
  if (requests.size === 0) {
    const since = restedAt ?? openedAt
    const rests = now - since > (restedAt === undefined ? headersMs : keepAliveMs)
    return rests ? 'session' : { late: [], unread: [] }
  }
  const all = [...requests]
  return {
    late: all.filter(({ beganAt, complete, refused }) => !complete && !refused && now - beganAt > requestMs),
    unread: all.filter(({ unread }) => isOverdue(unread, now, unreadMsMax)),
  }
}
