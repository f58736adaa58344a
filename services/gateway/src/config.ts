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

/** Every bound that is not a setting, in one place. */
export const gatewayLimits = {
  bodyBytesMax: contractLimits.bodyBytesMax,
  /** Bodies up to here are gathered before an instance is chosen: repeatable, and a slow sender holds no service. */
  bodyBytesGathered: 64 * 1024,
  headerBytesMax: 16 * 1024,
  headersMax: 100,
  targetCharsMax: 8_192,
  headersMs: 10_000,
  requestMs: 30_000,
  /** Longer than that of a balancer in front, so that it is the one that closes an idle connection. */
  keepAliveMs: 65_000,
  /** How often the times above are looked at: one may be over by so much. */
  checkEveryMs: 1_000,
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
  /** After the head of an answer: the longest silence within its body. */
  bodySilenceMs: 30_000,
  upstream: {
    connectionsPerInstance: 64,
    connectMs: 1_000,
    /** Shorter than the services' 65 s, so that a request never meets a connection that is just being closed. */
    keepAliveMs: 30_000,
    instancesMax: 64,
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
  sockets: {
    atOnceMax: 2_000,
    perAddressMax: 500,
    perUserMax: 20,
    handshakeMs: 5_000,
    closeWaitMs: 300,
  },
  follow: { heartbeatMs: 15_000, firstEventMs: 5_000, atOnceMax: 1_000, perAddressMax: 250, perUserMax: 20 },
  restockTimeoutMs: 10_000,
} as const
