/**
 * The connections of a listener: bounded in all and per client address. An attacker and a user may share one address
 * (everybody on one machine does), so turning newcomers away would turn the user away too: room is made instead, at the
 * cost of a connection on which nothing is being done. Pure: connections go in by identity, what to cut comes out.
 */

export interface ConnectionBounds {
  readonly connectionsMax: number
  /** Of one address (addresses.ts: IPv6 by /64). */
  readonly connectionsPerAddressMax: number
  /** How long a connection may take to its first complete request before it is the first to go. */
  readonly firstRequestMs: number
}

export const defaultConnectionBounds: ConnectionBounds = Object.freeze({
  connectionsMax: 4_096,
  connectionsPerAddressMax: 1_024,
  firstRequestMs: 1_000,
})

interface Entry<C> {
  readonly connection: C
  readonly at: Address<C>
  readonly openedAt: number
  /** Complete requests that have no answer yet. */
  underWay: number
  /** When it began to wait, as a place in the order of all. */
  turn: number
}

/** The connections of one address that wait, each set with the longest waiting first. */
interface Address<C> {
  readonly key: string
  all: number
  /** They never sent a complete request. */
  readonly silent: Set<Entry<C>>
  /** Between two requests, or within one that isn't complete. */
  readonly idle: Set<Entry<C>>
}

export interface Admission<C> {
  readonly admitted: boolean
  /** To be closed for it; the table has forgotten it already. */
  readonly cut: C | undefined
}

/** Constant work per request; a look at each address only when the bound of all is reached. */
export class ConnectionTable<C> {
  readonly #bounds: ConnectionBounds
  readonly #entries = new Map<C, Entry<C>>()
  readonly #addresses = new Map<string, Address<C>>()
  #turn = 0

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds
  }

  get size(): number {
    return this.#entries.size
  }

  /** Whether a request is under way on it. */
  works(connection: C): boolean {
    return (this.#entries.get(connection)?.underWay ?? 0) > 0
  }

  /**
   * Takes a new connection in. Where a bound is reached, the one that has waited longest goes, from this address or, for
   * the bound of all, from the address with the most waiting ones; where none waits, the newcomer isn't admitted.
   *
   * @param key the client's address as limits count it
   * @param now milliseconds of a monotonic clock
   * @param shared the address is a proxy's, with many clients behind it: only the bound of all holds
   */
  opened(connection: C, key: string, now: number, shared = false): Admission<C> {
    let cut: Entry<C> | undefined
    const ofAddress = this.#addresses.get(key)
    const crowded = !shared && ofAddress !== undefined && ofAddress.all >= this.#bounds.connectionsPerAddressMax
    if (crowded || this.#entries.size >= this.#bounds.connectionsMax) {
      cut = this.#longestWaiting(crowded ? ofAddress : this.#mostWaiting(), now)
      if (cut === undefined) return { admitted: false, cut: undefined }
      this.closed(cut.connection)
    }
    const at = this.#addresses.get(key) ?? { key, all: 0, silent: new Set(), idle: new Set() }
    this.#addresses.set(key, at)
    const entry = { connection, at, openedAt: now, underWay: 0, turn: ++this.#turn }
    at.all++
    at.silent.add(entry)
    this.#entries.set(connection, entry)
    return { admitted: true, cut: cut?.connection }
  }

  /** A request on it is complete: from now on it doesn't wait. */
  began(connection: C): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined || entry.underWay++ > 0) return
    if (!entry.at.silent.delete(entry)) entry.at.idle.delete(entry)
  }

  /** One that `began` is over. */
  ended(connection: C): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined || entry.underWay === 0 || --entry.underWay > 0) return
    entry.turn = ++this.#turn
    entry.at.idle.add(entry)
  }

  closed(connection: C): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    this.#entries.delete(connection)
    const { at } = entry
    if (!at.silent.delete(entry)) at.idle.delete(entry)
    if (--at.all === 0) this.#addresses.delete(at.key)
  }

  #mostWaiting(): Address<C> | undefined {
    let most: Address<C> | undefined
    let count = 0
    for (const address of this.#addresses.values()) {
      const waiting = address.silent.size + address.idle.size
      if (waiting <= count) continue
      most = address
      count = waiting
    }
    return most
  }

  /**
   * Those that had time for a first request and didn't send it go first, whoever is idle longer: pools of clients that
   * do work outlive a flood. Before that time a newcomer is worth as much as anybody, or the next one would push it out.
   */
  #longestWaiting(address: Address<C> | undefined, now: number): Entry<C> | undefined {
    const [silent] = address?.silent ?? []
    const [idle] = address?.idle ?? []
    if (silent === undefined || idle === undefined) return silent ?? idle
    if (now - silent.openedAt >= this.#bounds.firstRequestMs) return silent
    return silent.turn < idle.turn ? silent : idle
  }
}
