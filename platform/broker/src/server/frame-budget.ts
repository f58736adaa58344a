/**
 * Memory for large frames that are still arriving, of all connections together. A frame takes its whole announced length
 * before more of it is read; where there is too little left, its connection isn't read until others have finished.
 * Pure: who waits and who may go on comes out.
 */
export class FrameBudget<C> {
  readonly #bytesMax: number
  readonly #held = new Map<C, number>()
  /** In the order of their coming, so that a large frame isn't overtaken for ever. */
  readonly #waiting = new Map<C, number>()
  #bytes = 0

  /** @param bytesMax at least that of one frame, or that frame would never be read */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether somebody waits for what others hold. */
  get isShort(): boolean {
    return this.#waiting.size > 0
  }

  holds(connection: C): boolean {
    return this.#held.has(connection)
  }

  /** @returns whether the frame may be read on; else the connection waits in line */
  take(connection: C, bytes: number): boolean {
    if (this.#waiting.size > 0 || this.#bytes + bytes > this.#bytesMax) {
      this.#waiting.set(connection, bytes)
      return false
    }
    this.#grant(connection, bytes)
    return true
  }

  /** The frame is complete, or its connection gone. @returns those whose turn it is now; they hold theirs */
  give(connection: C): C[] {
    this.#waiting.delete(connection)
    this.#bytes -= this.#held.get(connection) ?? 0
    this.#held.delete(connection)
    const next: C[] = []
    for (const [waiting, bytes] of this.#waiting) {
      if (this.#bytes + bytes > this.#bytesMax) break
      this.#waiting.delete(waiting)
      this.#grant(waiting, bytes)
      next.push(waiting)
    }
    return next
  }

  #grant(connection: C, bytes: number): void {
    this.#held.set(connection, bytes)
    this.#bytes += bytes
  }
}
