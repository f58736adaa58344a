/** What may be changed at run time (nothing), and the limits of MC3. */
import { z } from 'zod'

export const settings = z.object({})

export const limits = {
  /** MC1 answers when it has committed. */
  answerTimeoutMs: 10_000,
  connectTimeoutMs: 2_000,
  /** Between tries while MC1 is away: doubling, with jitter. */
  retryMsMin: 20,
  retryMsMax: 1_000,
} as const
