/** Work of many handlers in one transaction that is cheaper together: collected, and done once, before the commit. */
import type { Tx } from '../api.ts'

/**
 * @param run gets all items of a transaction, in the order given; what it throws undoes the transaction
 * @returns adds an item to those of its transaction
 */
export function collected<Item>(
  // biome-ignore lint/suspicious/noExplicitAny: a transaction over whatever tables the service has
  run: (tx: Tx<any>, items: readonly Item[]) => Promise<void>,
  // biome-ignore lint/suspicious/noExplicitAny: the same
): (tx: Tx<any>, ...items: Item[]) => void {
  const open = new WeakMap<object, Item[]>()
  return (tx, ...items) => {
    const waiting = open.get(tx)
    if (waiting) return void waiting.push(...items)
    const all = [...items]
    open.set(tx, all)
    tx.beforeCommit(() => {
      // What is added from here on, by other work before the commit, is collected again.
      open.delete(tx)
      return run(tx, all)
    })
  }
}
