/** What several gateways share through one Redis; loaded only where there is one (SVYAZ_REDIS_URL). */
import { gatewayLimits } from '../config.ts'
import type { GatewayContext } from '../exchange.ts'
import type { GatewayParts } from '../server.ts'
import { changedScript, keepScript, lookScript, SharedCache } from './cache.ts'
import { limitScript, RedisLimits } from './limits.ts'
import { RedisLink } from './link.ts'

export interface Shared extends AsyncDisposable {
  readonly parts: Required<Pick<GatewayParts, 'limits' | 'cache' | 'redis'>>
  /** After the gateway was made: resolves when Redis answered, or had its time to. */
  start(): Promise<void>
}

/** @param url as SVYAZ_REDIS_URL */
export const openShared = async (
  url: string,
  context: Pick<GatewayContext, 'clock' | 'log' | 'metrics'>,
): Promise<Shared> => {
  const link = await RedisLink.open(url, [limitScript, lookScript, keepScript, changedScript], context)
  return {
    parts: {
      limits: new RedisLimits(link, gatewayLimits.rateKeysMax, context.clock.monotonic),
      cache: (own) => new SharedCache(link, own),
      redis: () => (link.period === 0 ? 'away' : 'here'),
    },
    start: () => link.start(),
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  }
}
