/**
 * Where mails go: asked of users when the first is due, and remembered for a while, because an order's mails follow each
 * other within seconds. An account keeps its address as long as it is there, so an answer doesn't grow wrong.
 */

export interface AddressBounds {
  readonly keptMs: number
  readonly keptMax: number
}

/**
 * @param ask of one user; what it throws is not remembered
 * @param now monotonic ms
 * @returns the address of a user; a question that is under way is shared
 */
export function createAddresses(
  ask: (userId: string) => Promise<string>,
  { keptMs, keptMax }: AddressBounds,
  now: () => number,
): (userId: string) => Promise<string> {
  const known = new Map<string, { readonly address: Promise<string>; readonly until: number }>()
  return (userId) => {
    const found = known.get(userId)
    if (found && now() < found.until) return found.address
    known.delete(userId)
    const [oldest] = known.keys()
    if (oldest !== undefined && known.size >= keptMax) known.delete(oldest)
    const entry = { address: ask(userId), until: now() + keptMs }
    known.set(userId, entry)
    entry.address.catch(() => {
      if (known.get(userId) === entry) known.delete(userId)
    })
    return entry.address
  }
}
