/**
 * Collects what comes while a send is under way, so that the next one takes it all: group commit without a timer. One
 * send is under way at a time, so order is kept. What comes within one turn of the event loop goes together.
 */
export interface CollectorOptions<Item> {
  itemsMax: number
  send(items: readonly Item[]): Promise<void>
  /** The send failed for good. Nothing that waited behind it is sent. */
  failed(items: readonly Item[], error: unknown): void
}

export interface Collector<Item> {
  readonly waiting: number
  add(item: Item): void
  /** Forgets what waits and is not being sent; gives it back. */
  drop(): Item[]
  /** Resolves when nothing waits and nothing is being sent. */
  idle(): Promise<void>
}

/** Sends together what comes while the send before is under way, at most `itemsMax`. */
export const createCollector = <Item>({ itemsMax, send, failed }: CollectorOptions<Item>): Collector<Item> => {
  let waiting: Item[] = []
  let running: Promise<void> | undefined

  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))
  const drop = () => {
    const dropped = waiting
    waiting = []
    return dropped
  }

  const run = async () => {
    await turn()
    while (waiting.length > 0) {
      const items = waiting.length > itemsMax ? waiting.splice(0, itemsMax) : drop()
      try {
        await send(items)
      } catch (error) {
        failed([...items, ...drop()], error)
      }
    }
    running = undefined
  }

  return {
    get waiting() {
      return waiting.length
    },
    add(item) {
      waiting.push(item)
      running ??= run()
    },
    drop,
    idle: () => running ?? Promise.resolve(),
  }
}
