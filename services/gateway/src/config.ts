/** What may be changed at run time through the config service, and every limit of the gateway. */
import { limits as contractLimits } from '@svyaz/contracts/primitives.ts'
import { z } from 'zod'
import { defaultRoutes, routeList } from './routes.ts'

const origin = z.url({ protocol: /^https?$/ }).refine((value) => new URL(value).origin === value, {
  message: 'an origin has neither path nor trailing slash',
})
const addressOrNetwork = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])
const consoleOrigins = ['http://127.0.0.1:8090', 'http://localhost:8090']

export const settings = z.object({
  routes: routeList.prefault(defaultRoutes),
  /** R2.7. Counted after authentication. */
  userRequestsPerMinute: z.int().min(1).default(100),
  /** R2.7. Counted before authentication, per client address (IPv6: per /64). */
  addressRequestsPerSecond: z.int().min(1).default(1_000),
  /** Peers whose X-Forwarded-For is believed. */
  trustedProxies: z.array(addressOrNetwork).max(100).default([]),
  /** Other origins whose pages may read answers (CORS). */
  corsOrigins: z.array(origin).max(50).default(consoleOrigins),
  /** Besides the gateway's own origin: whose pages may open WebSockets. */
  socketOrigins: z.array(origin).max(50).default(consoleOrigins),
  /** Beyond this, 503 with Retry-After at once: a late answer helps nobody. */
  requestsInFlightMax: z.int().min(1).max(100_000).default(1_024),
})
export type Settings = z.output<typeof settings>

/** The port with TLS; without a certificate there is none, as behind an edge that has one. */
export const environment = z
  .object({
    SVYAZ_HTTPS_PORT: z.coerce.number().int().min(0).max(65_535).default(0),
    /** PEM: the certificate, with those between it and its root. */
    SVYAZ_CERTIFICATE_FILE: z.string().min(1).optional(),
    SVYAZ_CERTIFICATE_KEY_FILE: z.string().min(1).optional(),
    /** Limits and kept answers of several gateways; without it each has its own. `redis://user:password@host:port/db`, or `rediss:`. */
    SVYAZ_REDIS_URL: z.url({ protocol: /^rediss?$/ }).optional(),
  })
  .superRefine((given, context) => {
    const { SVYAZ_CERTIFICATE_FILE: certificate, SVYAZ_CERTIFICATE_KEY_FILE: key, SVYAZ_HTTPS_PORT: port } = given
    const missing = (name: string, message: string) => context.addIssue({ code: 'custom', path: [name], message })
    // Half of it would be a gateway without TLS that nobody has asked for.
    if (certificate !== undefined && key === undefined)
      missing('SVYAZ_CERTIFICATE_KEY_FILE', 'it is missing, and SVYAZ_CERTIFICATE_FILE is of no use without it')
    if (certificate === undefined && key !== undefined)
      missing('SVYAZ_CERTIFICATE_FILE', 'it is missing, and SVYAZ_CERTIFICATE_KEY_FILE is of no use without it')
    if (certificate === undefined && key === undefined && port !== 0)
      missing('SVYAZ_CERTIFICATE_FILE', `it is missing, and port ${port} is to speak TLS`)
  })

export type Environment = z.output<typeof environment>

/** Every bound that is not a setting, in one place. */
export const gatewayLimits = {
  bodyBytesMax: contractLimits.bodyBytesMax,
  /** Bodies up to here are gathered before an instance is chosen: repeatable, and a slow sender holds no service. */
  bodyBytesGathered: 64 * 1024,
  headerBytesMax: 16 * 1024,
  headerFieldsMax: 100,
  targetCharsMax: 8_192,
  headersMs: 10_000,
  requestMs: 30_000,
  /** Longer than that of a balancer in front, so that it is the one that closes an idle connection. */
  keepAliveMs: 65_000,
  /** How often the times above are looked at: one may be over by so much. */
  checkEveryMs: 1_000,
  /** HTTP/2: requests under way on one connection, and what it may hold, in MB. */
  streamsMax: 100,
  sessionMemoryMb: 4,
  /** Streams that a client takes back: at once, and then per second (rapid reset, CVE-2023-44487). */
  resetsAtOnceMax: 200,
  resetsPerSecondMax: 20,
  /** Frames that break the protocol, before the connection ends. */
  faultsMax: 100,
  /**
   * How long a client may take nothing while there is more for it, of an answer or of a WebSocket: it keeps a place,
   * memory and a connection of its service, behind which the service can end unnoticed.
   */
  unreadMsMax: 30_000,
  /** TLS handshakes under way, and how long each may take. */
  handshakesMax: 256,
  handshakeMs: 5_000,
  /** The one that has waited longest is closed for a newcomer (platform/listener). */
  connectionsMax: 4_096,
  /** Of one peer's address (IPv6: /64); above what it may have under way and as streams together: one always waits. */
  connectionsPerAddressMax: 2_048,
  /**
   * Parts of `requestsInFlightMax` that one route, one user, all anonymous requests of one address, and one address may
   * hold. On one machine everybody has the same address, and the signed-in must find room beside the anonymous.
   */
  inFlightShares: { route: 1 / 2, user: 1 / 4, anonymous: 1 / 2, address: 3 / 4 },
  /** Bodies under way that were too large to be gathered: each holds a connection of its service. */
  bodiesStreamedMax: 32,
  retryAfterSeconds: 1,
  /** A balancer in front that asks another gateway gets this long to see that this one stops, if it was seen so recently. */
  leavingMs: 400,
  balancedWithinMs: 60_000,
  /** After the head of an answer: the longest silence within its body. */
  bodySilenceMs: 30_000,
  upstream: {
    connectionsPerInstance: 64,
    connectMs: 1_000,
    /** Shorter than the services' 65 s, so that a request never meets a connection that is just being closed. */
    keepAliveMs: 30_000,
    instancesMax: 64,
    /** Requests that wait for one of its connections. */
    waitingPerInstanceMax: 1_024,
    /** Of the head of an answer, and of its trailers. */
    headBytesMax: 16 * 1024,
    /** The size of a chunk and its extensions. */
    chunkLineBytesMax: 1_024,
    /** 1xx before one answer. */
    interimMax: 8,
  },
  introspection: {
    /** R3.1. */
    keptMs: 30_000,
    refusedKeptMs: 3_000,
    entriesMax: 10_000,
    refusedEntriesMax: 10_000,
    atOnceMax: 256,
    timeoutMs: 2_000,
    tokenCharsMax: 2_000,
  },
  rateKeysMax: 100_000,
  aggregate: {
    /** Parts of one answer that are asked at the same time, and how large each may be. */
    atOnceMax: 16,
    partBytesMax: 1024 * 1024,
    /** Of one answer; what would be asked beyond is named as incomplete. An order of 50 lines takes 53. */
    questionsMax: 200,
    /** This many questions count as one request of their user's limit; the request itself pays for the first ones. */
    questionsPerRequest: 10,
  },
  cache: {
    /** Bodies, headers and keys of all kept answers together. */
    bytesMax: 16 * 1024 * 1024,
    /** A larger body is passed on, not kept. */
    answerBytesMax: 256 * 1024,
    countersMax: 8_192,
  },
  redis: {
    /** Nobody waits longer for it; then it is away until it answers a probe. */
    answerMs: 50,
    connectMs: 500,
    reconnectMsMax: 1_000,
    probeEveryMs: 200,
    /** Without an answer in a row, before a new connection is made. */
    probesMissedMax: 15,
  },
  sockets: {
    atOnceMax: 2_000,
    perAddressMax: 500,
    perUserMax: 20,
    handshakeMs: 5_000,
    closeWaitMs: 300,
  },
  follow: { heartbeatMs: 15_000, firstEventMs: 5_000, atOnceMax: 1_000, perAddressMax: 250, perUserMax: 20 },
  restockTimeoutMs: 10_000,
  /** Of one call of a user's over gRPC; its answers go on as long as `follow` lets them. */
  grpc: { requestBytesMax: 64 * 1024, timeoutMs: 5_000 },
} as const
