/** What may be changed at run time, this service's environment, and every limit. */
import { z } from 'zod'

export const settings = z.object({
  /** Who mails are from. */
  mailFrom: z.email().default('svyaz@svyaz.local'),
  mailRetryFirstMs: z.int().min(10).default(500),
  mailRetryMaxMs: z.int().min(100).default(5_000),
})
export type Settings = z.output<typeof settings>

export const environment = z.object({ SVYAZ_SMTP_URL: z.string().startsWith('smtp') })

export const limits = {
  /** Database time; longer than the SMTP timeouts together, so that a worker never outlives its own lease. */
  mailLeaseMs: 30_000,
  smtpTimeoutMs: 8_000,
  /** How often the outcome of mails that are out is tried to be written while the database is away. */
  settleAgainMs: 250,
  /** Taken, sent and settled together. */
  mailsAtOnce: 16,
  smtpConnectionsMax: 4,
  mailsEveryMs: 5_000,
  /** Between two rounds: the first mail leaves at once, what follows leaves together. */
  mailsRestMs: 250,
  /** The net under a lost NOTIFY. */
  feedEveryMs: 2_000,
  framesPerRead: 200,
  /** Between two notes of frames that sockets took: the first goes at once, what follows goes together. */
  takenEveryMs: 1_000,
  /** Noted in one transaction. */
  takenTogether: 500,
  /** Beyond, the story goes without: the database is away. */
  takenMax: 20_000,
  trackRetryMs: 1_000,
  /** Frames older than this, replayed to a resuming client, start no tracking. */
  followShippedWithinMs: 600_000,
  addressTimeoutMs: 2_000,
  addresses: { keptMs: 60_000, keptMax: 1_000 },
} as const
