/** Places for what stays long (streams, sockets): limited in all and for each client. */
export class Places {
  readonly #max: number
  readonly #eachMax: number
  readonly #held = new Map<string, number>()
  #all = 0

  /** @param eachMax for one key: an address, a user */
  constructor(max: number, eachMax: number) {
    this.#max = max
    this.#eachMax = eachMax
  }

  get size(): number {
    return this.#all
  }

  /**
   * Takes a place; the function given back frees it, once.
   *
   * @returns whose places are all taken, where there is none
   */
  take(key: string): (() => void) | 'all' | 'own' {
    if (this.#all >= this.#max) return 'all'
    const held = this.#held.get(key) ?? 0
    if (held >= this.#eachMax) return 'own'
    this.#held.set(key, held + 1)
    this.#all++
    let left = false
    return () => {
      if (left) return
      left = true
      this.#all--
      const rest = this.#held.get(key)! - 1
      if (rest === 0) this.#held.delete(key)
      else this.#held.set(key, rest)
    }
  }
}
