/**
 * How many handlers work at once. A server that takes in whatever comes works, once it is behind, on requests whose
 * callers have long gone, finishes none in time and never catches up again. So few work at once, a request that comes
 * to no turn soon is turned away untouched, and a turn ends with the handler itself, not with its caller's patience
 * (reliability rule 13).
 */
import type { Clock } from '../api.ts'
import { Failure } from '../failure.ts'

export interface HandlerSlots {
  /**
   * Runs the work when it is its turn.
   *
   * @throws Failure `unavailable` when too many wait already or no turn comes in time; the reason of `signal` when the
   *   caller left before
   */
  use<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T>
}

/** Bounds how many requests are handled at once; the others wait in line, at most `waitMsMax`, then are refused. */
export const createHandlerSlots = (bounds: {
  atOnceMax: number
  /** Beyond this, turned away at once. Default: as many as come. */
  waitingMax?: number
  waitMsMax: number
  retryAfterSeconds: number
  clock: Pick<Clock, 'delay'>
}): HandlerSlots => {
  const { waitMsMax, waitingMax = Number.POSITIVE_INFINITY, retryAfterSeconds } = bounds
  const busy = () => new Failure('unavailable', 'too many requests are in progress', { retryAfterSeconds })
  let working = 0
  /** In the order of their coming; each is called when it is its turn, which is its predecessor's slot. */
  const waiting = new Set<() => void>()

  const turn = async (signal: AbortSignal): Promise<void> => {
    if (waiting.size >= waitingMax) throw busy()
    const come = Promise.withResolvers<void>()
    const over = new AbortController()
    waiting.add(come.resolve)
    const giveUp = (reason: unknown) => {
      waiting.delete(come.resolve)
      come.reject(reason)
    }
    const leave = () => giveUp(signal.reason)
    signal.addEventListener('abort', leave, { once: true })
    bounds.clock.delay(waitMsMax, over.signal).then(
      () => giveUp(busy()),
      () => undefined,
    )
    try {
      await come.promise
    } finally {
      signal.removeEventListener('abort', leave)
      over.abort()
    }
  }

  const leaveSlot = () => {
    const [next] = waiting
    if (next === undefined) {
      working--
      return
    }
    waiting.delete(next)
    next()
  }

  return {
    async use(signal, work) {
      signal.throwIfAborted()
      if (working < bounds.atOnceMax) working++
      else await turn(signal)
      try {
        return await work()
      } finally {
        leaveSlot()
      }
    },
  }
}
