/** The products with their stock, read again some time after an order may have changed it. */
import type { Product } from '../../protocol.ts'
import { limits } from './limits.ts'
import { ask } from './requests.ts'

export class ProductList {
  readonly #gateway: string
  readonly #changed: (products: readonly Product[]) => void
  #products: readonly Product[] = []
  #due: NodeJS.Timeout | undefined

  /** @param changed hears of each list that is another than the one before */
  constructor(gateway: string, changed: (products: readonly Product[]) => void) {
    this.#gateway = gateway
    this.#changed = changed
  }

  get all(): readonly Product[] {
    return this.#products
  }

  /** Reads them within `productsEveryMs`, however often this is asked. */
  soon(): void {
    this.#due ??= setTimeout(() => {
      this.#due = undefined
      void this.read()
    }, limits.productsEveryMs)
  }

  /** Reads them now; false when they could not be read. */
  async read(): Promise<boolean> {
    try {
      const { status, text } = await ask({ url: this.#gateway }, { path: '/products?limit=100' })
      if (status !== 200) return false
      const read = JSON.parse(text) as Product[]
      if (JSON.stringify(read) === JSON.stringify(this.#products)) return true
      this.#products = read
      this.#changed(read)
      return true
    } catch {
      return false
    }
  }

  close(): void {
    clearTimeout(this.#due)
  }
}
