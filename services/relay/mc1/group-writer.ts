/**
 * Group commit without a timer: what comes while a write is under way is written together by the next one. Each caller
 * hears when its own items are committed, or why not.
 */
export const createGroupWriter = <Item>(write: (items: readonly Item[]) => Promise<void>) => {
  let waiting: Item[] = []
  let next = Promise.withResolvers<void>()
  let writing = false

  const run = async () => {
    writing = true
    while (waiting.length > 0) {
      const items = waiting
      const { resolve, reject } = next
      waiting = []
      next = Promise.withResolvers<void>()
      await write(items).then(resolve, reject)
    }
    writing = false
  }

  return (items: readonly Item[]): Promise<void> => {
    waiting = waiting.length === 0 ? [...items] : waiting.concat(items)
    const { promise } = next
    if (!writing) void run()
    return promise
  }
}
