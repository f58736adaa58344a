/** A background loop that works while there is work, then sleeps until it is woken or the poll is due. */
import type { Clock, PollLoop } from '../api.ts'

/** Why a nap ended: made once, because an abort without a reason makes an error with a stack. */
const woken = new Error('woken')

/** How many things a round did, and how long until the next one is due that it knows of. */
export interface Round {
  done: number
  dueInMs: number | undefined
  /** The next round begins no sooner, whatever wakes it: what comes meanwhile goes together. */
  restMs?: number
}

/**
 * `once` does one round and returns how many things it did; > 0 runs it again at once. `everyMs` bounds how long a
 * missed wake can delay work; a round that knows when the next thing is due sleeps no longer than that. An error is
 * thrown to the kit, which logs it and restarts the loop with back-off.
 */
export const pollLoop = (options: {
  name: string
  everyMs: number
  clock: Clock
  once: (signal: AbortSignal) => Promise<number | Round>
}): PollLoop => {
  let isWoken = false
  let wakeUp: (() => void) | undefined
  return {
    name: options.name,
    wake() {
      isWoken = true
      wakeUp?.()
    },
    async run(signal) {
      while (!signal.aborted) {
        isWoken = false
        const round = await options.once(signal)
        const { done, dueInMs = options.everyMs, restMs = 0 } = typeof round === 'number' ? { done: round } : round
        if (restMs > 0) await options.clock.delay(restMs, signal).catch(() => undefined)
        if (done > 0 || isWoken || signal.aborted) continue
        const nap = new AbortController()
        const stop = () => nap.abort(woken)
        wakeUp = stop
        signal.addEventListener('abort', stop, { once: true })
        await options.clock.delay(Math.min(options.everyMs, dueInMs), nap.signal).catch(() => undefined)
        signal.removeEventListener('abort', stop)
        wakeUp = undefined
      }
    },
  }
}
