/** What may be changed at run time through the config service, and every limit of this service. */
import { z } from 'zod'

export const settings = z.object({
  /** How long an order may still be changed before its stock is reserved. */
  changeWindowMs: z.int().min(0).max(600_000).default(0),
  /** How long `payment: "now"` waits for the processor before the charge is queued instead. */
  processPaymentTimeoutMs: z.int().min(100).max(30_000).default(3_000),
})
export type Settings = z.output<typeof settings>

export const limits = {
  /** Compare-and-set rounds before a writer gives up as unavailable. */
  changeRoundsMax: 20,
  /** Handled event ids kept in a document; an order's life has about 30. */
  handledEventsMax: 500,
  storyStepsMax: 500,
  /** How often a follower looks, when the change happened in another instance. */
  followEveryMs: 300,
  /** ProcessPayment calls that one instance has under way; further orders wait for their turn. */
  paymentCallsAtOnce: 16,
  /** How late an order is noticed whose call nobody makes: its instance was killed. */
  paymentCallsEveryMs: 1_000,
  blockedOrdersPerRound: 100,
  userDetailsOrdersMax: 100,
} as const
