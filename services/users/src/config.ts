/** What may be changed at run time, this service's environment, and every limit. */
import { z } from 'zod'

export const settings = z.object({
  accessTokenSeconds: z.int().min(60).max(86_400).default(3_600),
  refreshTokenSeconds: z
    .int()
    .min(3_600)
    .max(90 * 86_400)
    .default(30 * 86_400),
  /**
   * So long after its use a refresh token that comes again gets the same successor again, unless that one was used: an
   * answer was lost, or two requests met. 0: never.
   */
  refreshGraceSeconds: z.int().min(0).max(60).default(10),
  /** A session ends so long after its login, however often it was refreshed (NIST SP 800-63B-4, 2.1.3: 30 days). */
  sessionSecondsMax: z
    .int()
    .min(3_600)
    .max(365 * 86_400)
    .default(30 * 86_400),
  /** Failed logins to one account from one address (IPv6: /64) per window; beyond it, 429. From the fifth on each waits. */
  loginFailuresPerAccountAndAddressMax: z.int().min(1).default(10),
  /** To one account from all addresses together that it has not signed in from before. */
  loginFailuresPerAccountMax: z.int().min(1).default(50),
  /** From one address, to all accounts together. */
  loginFailuresPerAddressMax: z.int().min(1).default(100),
  loginWindowSeconds: z.int().min(1).default(900),
  /** So long a key signs ID tokens before the next one does. */
  signingKeyDays: z.int().min(1).max(365).default(90),
})
export type Settings = z.output<typeof settings>

const origin = z
  .url({ protocol: /^https?$/ })
  .refine((value) => new URL(value).origin === value, { message: 'an origin has neither path nor trailing slash' })

export const environment = z.object({
  /** Puts the well-known administrator in place: embedded profile on loopback only. */
  SVYAZ_SEED_ADMIN: z.enum(['0', '1']).default('0'),
  /** Where clients reach the gateway: the issuer of OpenID Connect is below it. */
  SVYAZ_PUBLIC_URL: origin.default('http://127.0.0.1:8080'),
  /** Where the console takes back whom it sent to sign in. */
  SVYAZ_CONSOLE_URL: origin.default('http://127.0.0.1:8090'),
  /**
   * Another identity provider in place of this service's: its issuer, with the client that may introspect as the user of
   * the URL, as in `https://svyaz-users:secret@sso.example.com/realms/svyaz`.
   */
  SVYAZ_IDENTITY_PROVIDER: z.url({ protocol: /^https?$/ }).optional(),
  /** The service's own key; from it are made those that seal signing keys and sign cookies. */
  SVYAZ_KEY_FILE: z.string().min(1),
})

export const seededAdmin = { email: 'admin@svyaz.local', password: 'admin-svyaz', name: 'Administrator' } as const

export const limits = {
  /**
   * Password hashes: each takes 19 MiB and one of libuv's four threads. Together they must stay well below the handlers
   * at work at once (kit, 64), so that no flood of passwords keeps introspection from its turn.
   */
  hashing: { atOnceMax: 2, waitingMax: 32, waitMsMax: 1_000, retryAfterSeconds: 1 },
  /** Failed logins to one account from one address: the first ones at once, then a wait that doubles each time. */
  login: { guessesWithoutWait: 4, firstWaitMs: 1_000 },
  /** Where an account has signed in from: the newest places, how many and for how long. */
  knownPlaces: { perUserMax: 20, days: 90 },
  ordersIncludedMax: 20,
  includeOrdersTimeoutMs: 1_500,
  expiredTokensEveryMs: 60_000,
  /** Shorter than the gateway waits for the answer. */
  foreignProviderTimeoutMs: 1_500,
  oidc: {
    /** Of one kind, begun by nobody in particular: sign-ins that came to nothing make room for new ones. */
    recordsOfNobodyMax: 10_000,
    /** Such records of one kind that an instance adds before it looks whether there are too many. */
    roomMadeEvery: 100,
    clientsMax: 100,
    clientIdCharsMax: 100,
    /** Of what is posted to it: forms of a few fields. */
    bodyBytesMax: 16 * 1024,
    /** How long somebody may take to sign in. */
    interactionSeconds: 600,
    codeSeconds: 60,
    idTokenSeconds: 3_600,
    /** How long an instance goes on with the signing keys that it knows, and how long a new key is shown before it signs. */
    keysKnownMs: 15_000,
    keyShownFirstMs: 60_000,
    /** How long a key is shown after it signed last: ID tokens are also hints at signing out. */
    keyShownAfterMs: 24 * 3_600_000,
    signingKeysMax: 20,
  },
} as const
