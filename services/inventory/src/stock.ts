/** Stock that is locked, while it is decided who gets it: levels after each move, and how much they moved. Pure. */
import { Failure } from '@svyaz/kit'
import type { Column, Line, Move } from './domain.ts'

export interface Levels {
  readonly productId: string
  readonly available: number
  readonly reserved: number
  readonly sold: number
  readonly stocked: number
  /** Counts the moves. */
  readonly version: number
}

/** What is to be added to a product's columns, and how many moves that was. */
export interface Delta {
  readonly productId: string
  readonly available: number
  readonly reserved: number
  readonly sold: number
  readonly moves: number
}

type Amounts = Record<Column, number> & { moves: number }

const unmoved: Amounts = { available: 0, reserved: 0, sold: 0, moves: 0 }

export class Stock {
  readonly #levels: ReadonlyMap<string, Levels>
  readonly #deltas = new Map<string, Amounts>()

  constructor(levels: readonly Levels[]) {
    this.#levels = new Map(levels.map((one) => [one.productId, one]))
  }

  /** What is short of these lines. */
  missing(items: readonly Line[]): { productId: string; requested: number; available: number }[] {
    return items.flatMap(({ productId, quantity }) => {
      const available = this.#now(productId, 'available')
      return available < quantity ? [{ productId, requested: quantity, available }] : []
    })
  }

  /** @throws Failure `conflict` when there isn't as much in the column that it is taken from */
  move({ productId, quantity, from, to }: Move): void {
    if (this.#now(productId, from) < quantity) {
      throw new Failure('conflict', `${productId} does not have ${quantity} ${from}`)
    }
    const delta = this.#deltas.get(productId) ?? { ...unmoved }
    delta[from] -= quantity
    delta[to] += quantity
    delta.moves += 1
    this.#deltas.set(productId, delta)
  }

  /** By product id: rows are written in the order in which they were locked. */
  deltas(): Delta[] {
    return [...this.#deltas]
      .map(([productId, amounts]) => ({ productId, ...amounts }))
      .sort((a, b) => (a.productId < b.productId ? -1 : 1))
  }

  /** The products that were moved, as they are then. */
  changed(): Levels[] {
    return this.deltas().flatMap(({ productId, available, reserved, sold, moves }) => {
      const before = this.#levels.get(productId)
      if (!before) return []
      return [
        {
          ...before,
          available: before.available + available,
          reserved: before.reserved + reserved,
          sold: before.sold + sold,
          version: before.version + moves,
        },
      ]
    })
  }

  #now(productId: string, column: Column): number {
    return (this.#levels.get(productId)?.[column] ?? 0) + (this.#deltas.get(productId)?.[column] ?? 0)
  }
}
