/**
 * When an answer that is there counts as one that nobody reads: nothing of it has left for a time. The same for HTTP/1.1
 * (http1-unread.ts) and HTTP/2 (http2-time.ts). Pure.
 */

/** How long nothing may leave of an answer that is there, or of what a WebSocket is told. */
export const unreadMsMax = 30_000

/** What has been written, at one look. */
export interface Outgoing {
  /** What has left since the beginning: anything that grows with it. */
  readonly left: number
  /** Bytes that have not; the end of an answer of HTTP/2 counts as one. */
  readonly waiting: number
}

/** An answer that waits for its reader. */
export interface Unread extends Outgoing {
  /** When something of it was last seen to leave, or it was first seen to wait. */
  readonly since: number
}

/**
 * What is known of a waiting answer after another look. That fewer bytes wait shows that something has left; that as many
 * wait, or more, shows nothing: others may have been written meanwhile.
 *
 * @param now milliseconds of the clock that the state was written by
 */
export function lookedAt(before: Unread | undefined, { left, waiting }: Outgoing, now: number): Unread | undefined {
  if (waiting === 0) return undefined
  const stays = before !== undefined && left === before.left && waiting >= before.waiting
  return { left, waiting, since: stays ? before.since : now }
}

/** Whether it has waited longer than it may. */
export const isOverdue = (unread: Unread | undefined, now: number, msMax: number): boolean =>
  unread !== undefined && now - unread.since > msMax

/** Looks that are later than this, and than three of their pauses, follow a standstill. */
const standstillMs = 500

/**
 * Whether this process stood still between two looks. Timers come before what has arrived meanwhile: nobody is judged by
 * that time.
 */
export const stoodStill = (before: number, now: number, checkEveryMs: number): boolean =>
  now - before > Math.max(3 * checkEveryMs, standstillMs)
