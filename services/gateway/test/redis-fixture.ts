/** Gateways that share a Redis, as service.ts makes them. */
import { testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { openShared, type Shared } from '../src/redis/shared.ts'
import { type GatewayOptions, startGateway, type TestGateway } from './gateway-fixture.ts'

/** A gateway with its share of Redis; `core` is what the link logs and measures into. */
export interface SharingGateway extends TestGateway {
  /** Resolves when Redis is used again, or no longer. */
  sees(state: 'here' | 'away'): Promise<void>
  link: ReturnType<typeof testCore>
}

/** @param url of Redis */
export const startSharing = async (url: string, options: GatewayOptions = {}): Promise<SharingGateway> => {
  const link = testCore({ service: 'gateway' })
  const shared: Shared = await openShared(url, link)
  const edge = await startGateway({ ...options, parts: { ...shared.parts, ...options.parts } })
  await shared.start()
  return {
    ...edge,
    link,
    sees: (state) => until(`Redis is ${state}`, () => link.gauged('gateway_redis_up') === (state === 'here' ? 1 : 0)),
    async [Symbol.asyncDispose]() {
      await edge[Symbol.asyncDispose]()
      await shared[Symbol.asyncDispose]()
    },
  }
}
