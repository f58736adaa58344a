/** Sleeping until something with a key happens in this process, or a time is over: the poll stays the net under it. */
import type { Clock } from '../api.ts'

/** Why a sleep ended: made once, because an abort without a reason makes an error with a stack. */
const woken = new Error('woken')

export interface Wakes {
  /** Ends every sleep on this key. */
  wake(key: string): void
  /** Resolves after `ms`, at a wake of the key, or when the signal aborts: the caller looks again in each case. */
  sleep(key: string, ms: number, signal?: AbortSignal): Promise<void>
}

/** Wakes loops that sleep, by name, from elsewhere in the process. */
export const createWakes = (clock: Clock): Wakes => {
  const sleepers = new Map<string, Set<() => void>>()
  return {
    wake(key) {
      for (const end of sleepers.get(key) ?? []) end()
    },
    async sleep(key, ms, signal) {
      if (signal?.aborted) return
      const nap = new AbortController()
      const end = () => nap.abort(woken)
      const set = sleepers.get(key) ?? new Set()
      sleepers.set(key, set.add(end))
      signal?.addEventListener('abort', end, { once: true })
      await clock.delay(ms, nap.signal).catch(() => undefined)
      signal?.removeEventListener('abort', end)
      set.delete(end)
      if (set.size === 0 && sleepers.get(key) === set) sleepers.delete(key)
    },
  }
}
