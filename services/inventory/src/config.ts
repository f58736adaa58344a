/** What may be changed at run time, and every limit of this service. */
import { z } from 'zod'

export const settings = z.object({
  /** Quantity at or below which the log warns that a product runs low. */
  lowStockAt: z.int().min(0).max(100_000).default(5),
})
export type Settings = z.output<typeof settings>

export const limits = {
  /** How far ahead the worker looks, and how late it notices a reservation that another instance took in. */
  reservationsEveryMs: 5_000,
  reservationsPerRound: 20,
  bulkRestockLinesMax: 1_000,
} as const
