/** Wakes those who wait for a partition to grow, after the sync that made the growth durable. */
import type { Log, PartitionKey } from './log/log.ts'

export class Growth {
  readonly #waiters = new Map<PartitionKey, Set<() => void>>()
  readonly #stop: () => void
  #waiting = 0

  constructor(log: Log) {
    this.#stop = log.onDurable((changed) => {
      for (const key of changed) for (const wake of this.#waiters.get(key) ?? []) wake()
    })
  }

  /** Waits that are under way. */
  get waiting(): number {
    return this.#waiting
  }

  /** Resolves when one of the partitions has grown, when the time is up, or when `hurry` is aborted. */
  wait(keys: readonly PartitionKey[], timeoutMs: number, hurry: AbortSignal): Promise<void> {
    if (hurry.aborted || timeoutMs <= 0) return Promise.resolve()
    return new Promise((resolve) => {
      const finish = () => {
        clearTimeout(timer)
        hurry.removeEventListener('abort', finish)
        for (const key of keys) this.#leave(key, finish)
        this.#waiting--
        resolve()
      }
      const timer = setTimeout(finish, timeoutMs)
      hurry.addEventListener('abort', finish)
      for (const key of keys) this.#enter(key, finish)
      this.#waiting++
    })
  }

  close(): void {
    this.#stop()
    for (const waiters of [...this.#waiters.values()]) for (const wake of [...waiters]) wake()
  }

  #enter(key: PartitionKey, wake: () => void): void {
    const waiters = this.#waiters.get(key)
    if (waiters === undefined) this.#waiters.set(key, new Set([wake]))
    else waiters.add(wake)
  }

  #leave(key: PartitionKey, wake: () => void): void {
    const waiters = this.#waiters.get(key)
    waiters?.delete(wake)
    if (waiters?.size === 0) this.#waiters.delete(key)
  }
}
