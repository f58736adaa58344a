import type { Clock } from '../src/clock.ts'

/** A clock that stands until it is moved. Timers run in the order in which they are due. */
export class FakeClock implements Clock {
  #nowMs = 0
  readonly #timers = new Set<{ readonly dueMs: number; readonly action: () => void }>()

  nowMs(): number {
    return this.#nowMs
  }

  date(): Date {
    return new Date(this.#nowMs)
  }

  after(delayMs: number, action: () => void): () => void {
    const timer = { dueMs: this.#nowMs + Math.max(0, delayMs), action }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** Runs each timer at its moment. */
  advance(byMs: number): void {
    const untilMs = this.#nowMs + byMs
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.dueMs - b.dueMs)[0]
      if (next === undefined || next.dueMs > untilMs) break
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#run(next)
    }
    this.#nowMs = untilMs
  }

  /** Time passes and nobody runs, as when a process is stopped; then whatever is due runs late. */
  freeze(forMs: number): void {
    this.#nowMs += forMs
    for (const timer of [...this.#timers].filter(({ dueMs }) => dueMs <= this.#nowMs)) this.#run(timer)
  }

  #run(timer: { readonly dueMs: number; readonly action: () => void }): void {
    if (this.#timers.delete(timer)) timer.action()
  }
}
