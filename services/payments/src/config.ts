/** What may be changed at run time, this service's environment, and every limit. */
import { z } from 'zod'

export const settings = z.object({
  /** How long one call to the payment processor may take; shorter than the lease, so a worker never outlives its own. */
  processorTimeoutMs: z.int().min(100).max(8_000).default(2_500),
  retryFirstMs: z.int().min(10).default(200),
  retryMaxMs: z.int().min(100).default(10_000),
})
export type Settings = z.output<typeof settings>

export const environment = z.object({ SVYAZ_PROCESSOR_URL: z.url() })

export const limits = {
  /** Database time. A worker that is silent for longer is taken over with a higher fencing token. */
  leaseMs: 10_000,
  /** Payments one process works on at once. */
  inFlightMax: 16,
  processorAnswerCharsMax: 64 * 1024,
  /** An unused connection to the processor is closed after so long. */
  processorIdleMs: 4_000,
  /** How late a worker notices what another instance stored and did not live to do. */
  workEveryMs: 5_000,
  /** When a payment is looked for again that is due and held by another worker. */
  heldAgainMs: 50,
  /** How often ProcessPayment looks whether another instance has the answer; its own wakes it. */
  answerEveryMs: 200,
  /** What ProcessPayment keeps of its caller's deadline to answer "accepted". */
  answerMarginMs: 200,
} as const
