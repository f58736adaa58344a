/** Work that comes one by one and is cheaper together: what waits while one call is under way goes in the next one. */

interface Waiting<Item, Result> {
  item: Item
  done: PromiseWithResolvers<Result>
}

/**
 * Nothing waits for company: an item that comes alone goes alone, at once (reliability rule 21).
 * @param itemsMax of one call
 * @param run must do all of it or nothing, and returns a result for each item, in their order. When a call for several
 *   rejects, each of them is tried alone, so that one that cannot succeed harms no other.
 */
export function together<Item, Result>(
  itemsMax: number,
  run: (items: readonly Item[]) => Promise<readonly Result[]>,
): (item: Item) => Promise<Result> {
  const waiting: Waiting<Item, Result>[] = []
  let running = false

  const settle = async (group: readonly Waiting<Item, Result>[]): Promise<void> => {
    try {
      const results = await run(group.map(({ item }) => item))
      for (const [index, { done }] of group.entries()) done.resolve(results[index] as Result)
    } catch (error) {
      if (group.length === 1) group[0]?.done.reject(error)
      else for (const alone of group) await settle([alone])
    }
  }
  const drain = async (): Promise<void> => {
    running = true
    // Those of one turn of the event loop came together already.
    await Promise.resolve()
    while (waiting.length > 0) await settle(waiting.splice(0, itemsMax))
    running = false
  }

  return (item) => {
    const done = Promise.withResolvers<Result>()
    waiting.push({ item, done })
    if (!running) void drain()
    return done.promise
  }
}
