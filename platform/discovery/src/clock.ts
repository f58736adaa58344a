/** Time as an argument. `nowMs` is monotonic and has no meaning outside this process; it decides every deadline. */
export interface Clock {
  /** Monotonic milliseconds. */
  nowMs(): number
  /** Wall time, for logs only. */
  date(): Date
  /** Calls `action` once after `delayMs`; the returned function cancels. Does not keep the process alive. */
  after(delayMs: number, action: () => void): () => void
}

/** The clock of the machine. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  date: () => new Date(),
  after(delayMs, action) {
    const timer = setTimeout(action, Math.max(0, delayMs)).unref()
    return () => clearTimeout(timer)
  },
}
