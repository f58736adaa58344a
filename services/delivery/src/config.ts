/** What may be changed at run time, and every limit of this service. */
import { z } from 'zod'

export const settings = z.object({
  /** From scheduled to shipped. */
  shipAfterMs: z.int().min(0).max(3_600_000).default(600),
  /** From shipped to delivered (or failed). */
  deliverAfterMs: z.int().min(0).max(3_600_000).default(900),
})
export type Settings = z.output<typeof settings>

export const limits = {
  /** How far ahead the worker looks, and how late it notices a parcel that another instance scheduled. */
  parcelsEveryMs: 5_000,
  parcelsPerRound: 50,
  /** How often a tracking stream looks for movement. */
  trackEveryMs: 200,
  trackedPerStreamMax: 1_000,
  /** How long the last look at the order before shipping may take. */
  orderCheckTimeoutMs: 2_000,
  /** A parcel whose order can't be asked waits this long. */
  holdMs: 500,
} as const
