/**
 * One session's loop, without I/O: which messages may be made, which are under way, when it is over. At most `inFlight`
 * messages are made and not yet stored; each is kept until MC1 has committed it, and sent again when the way broke.
 */
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'

export interface Loop<Kept> {
  readonly sessionId: number
  readonly firstId: number
  readonly inFlight: number
  nextId: number
  /** Whether new messages are made. */
  making: boolean
  /** By id, in the order of making. */
  readonly unconfirmed: Map<number, Kept>
}

/**
 * A loop that has made nothing yet.
 * @param session `firstId` is the id of its first message
 */
export const openLoop = <Kept>(session: { sessionId: number; firstId: number; inFlight: number }): Loop<Kept> => ({
  ...session,
  nextId: session.firstId,
  making: true,
  unconfirmed: new Map(),
})

/** How many messages were made. */
export const generated = ({ nextId, firstId }: Loop<unknown>): number => nextId - firstId

/**
 * How many messages a session's pace has come to and were not made; without a pace there is no bound.
 *
 * @param messagesPerSecond 0: as fast as they come back
 */
export const due = (loop: Loop<unknown>, elapsedMs: number, messagesPerSecond: number): number =>
  messagesPerSecond === 0
    ? Number.POSITIVE_INFINITY
    : Math.floor((elapsedMs / 1_000) * messagesPerSecond) - generated(loop)

/** Makes and keeps as many messages as there is room for, at most `most`. `make` is given each without its stamp. */
export const fill = <Kept>(
  loop: Loop<Kept>,
  make: (message: RelayMessage) => Kept,
  most = Number.POSITIVE_INFINITY,
): Kept[] => {
  const made: Kept[] = []
  while (loop.making && loop.unconfirmed.size < loop.inFlight && made.length < most) {
    const kept = make({
      id: loop.nextId,
      session_id: loop.sessionId,
      MC1_timestamp: null,
      MC2_timestamp: null,
      MC3_timestamp: null,
      end_timestamp: null,
    })
    loop.unconfirmed.set(loop.nextId, kept)
    loop.nextId += 1
    made.push(kept)
  }
  return made
}

/** A message came back and is stored. Gives what was kept, or undefined for one that was confirmed before. */
export const confirm = <Kept>(loop: Loop<Kept>, message: RelayMessage): Kept | undefined => {
  if (message.session_id !== loop.sessionId) return undefined
  const kept = loop.unconfirmed.get(message.id)
  loop.unconfirmed.delete(message.id)
  return kept
}

/** Whether nothing is made any more and everything came back. */
export const isOver = (loop: Loop<unknown>): boolean => !loop.making && loop.unconfirmed.size === 0
