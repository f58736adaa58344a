/** A bounded number of things at once; the rest wait in line. */

export interface Slots {
  use<T>(work: () => Promise<T>): Promise<T>
  /** Runs it when nothing else does, and nothing beside it. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

/** Lets `max` pieces of work run at once; the rest wait in order. */
export function createSlots(max: number): Slots {
  const line: { needs: number; go: () => void }[] = []
  let used = 0
  // In order, so that what needs all of them isn't overtaken for ever by what needs one.
  const advance = () => {
    for (let next = line[0]; next && used + next.needs <= max; next = line[0]) {
      line.shift()
      used += next.needs
      next.go()
    }
  }
  const hold = async <T>(needs: number, work: () => Promise<T>): Promise<T> => {
    if (line.length > 0 || used + needs > max) await new Promise<void>((go) => line.push({ needs, go }))
    else used += needs
    try {
      return await work()
    } finally {
      used -= needs
      advance()
    }
  }
  return { use: (work) => hold(1, work), alone: (work) => hold(max, work) }
}
