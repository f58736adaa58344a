/**
 * Writers of one order in this process, one after the other. Compare-and-set alone would do, but each that loses a round
 * reads, decides and writes again; in line, only writers of other processes are lost to.
 */
export interface Turns {
  /** Runs `work` after everything asked for before with one of these keys; errors are the asker's own. */
  inTurn<T>(keys: readonly string[], work: () => Promise<T>): Promise<T>
}

/** Work on one key goes one after the other, on different keys side by side. */
export const createTurns = (): Turns => {
  const last = new Map<string, Promise<unknown>>()
  return {
    inTurn(keys, work) {
      // Keys are taken all at once, so two that want several can't wait for each other.
      const mine = Promise.all(keys.map((key) => last.get(key))).then(work)
      const settled = mine.catch(() => undefined)
      for (const key of keys) last.set(key, settled)
      void settled.then(() => {
        for (const key of keys) if (last.get(key) === settled) last.delete(key)
      })
      return mine
    },
  }
}
