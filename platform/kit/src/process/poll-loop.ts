/** A background loop that works while there is work, then sleeps until it is woken or the poll is due. */
import type { Clock, PollLoop } from '../api.ts'

/**
 * `once` does one round and returns how many things it did; > 0 runs it again at once. `everyMs` bounds how long a
 * missed wake can delay work. An error is thrown to the kit, which logs it and restarts the loop with back-off.
 */
export const pollLoop = (options: {
  name: string
  everyMs: number
  clock: Clock
  once: (signal: AbortSignal) => Promise<number>
}): PollLoop => {
  let woken = false
  let wakeUp: (() => void) | undefined
  return {
    name: options.name,
    wake() {
      woken = true
      wakeUp?.()
    },
    async run(signal) {
      while (!signal.aborted) {
        woken = false
        const done = await options.once(signal)
        if (done > 0 || woken || signal.aborted) continue
        const nap = new AbortController()
        const stop = () => nap.abort()
        wakeUp = stop
        signal.addEventListener('abort', stop, { once: true })
        await options.clock.delay(options.everyMs, nap.signal).catch(() => undefined)
        signal.removeEventListener('abort', stop)
        wakeUp = undefined
      }
    },
  }
}
