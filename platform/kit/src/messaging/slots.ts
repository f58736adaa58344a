/** A bounded number of things at once; the rest wait in line. */

export interface Slots {
  use<T>(work: () => Promise<T>): Promise<T>
}

/** Lets `max` pieces of work run at once; the rest wait in order. */
export function createSlots(max: number): Slots {
  const line: (() => void)[] = []
  let used = 0
  return {
    async use(work) {
      if (used >= max) await new Promise<void>((resolve) => line.push(resolve))
      else used += 1
      try {
        return await work()
      } finally {
        // The slot passes to the next in line without being free in between.
        const next = line.shift()
        if (next) next()
        else used -= 1
      }
    },
  }
}
