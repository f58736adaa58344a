/** Users: who somebody is, and whether they may come in. Tokens are in `tokens.ts`, blocking in `accounts.ts`. */
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Context, defineService, pollLoop } from '@svyaz/kit'
import { seedAdmin, whyNoSeededAdmin } from './accounts.ts'
import { environment, limits, type Settings, settings } from './config.ts'
import type { UsersContext } from './context.ts'
import { ForeignProvider } from './foreign-provider.ts'
import { graphqlEdge } from './graphql.ts'
import { grpcEdge } from './grpc.ts'
import { httpEdge } from './http.ts'
import { migrations } from './migrations.ts'
import { openIdEdge } from './oidc/edge.ts'
import { createPasswords } from './passwords.ts'
import type { UsersSchema } from './storage.ts'
import { purgeExpired } from './tokens.ts'

export const service = defineService<typeof settings, UsersSchema>({
  name: 'users',
  settings,
  environment,
  database: { migrations },
  writes: [usersEvents],
  async start(kit: Context<Settings, UsersSchema>) {
    const provider = kit.environment.SVYAZ_IDENTITY_PROVIDER
    const foreign = typeof provider === 'string' ? new ForeignProvider(provider) : undefined
    const context: UsersContext = {
      ...kit,
      passwords: createPasswords(kit),
      ...(foreign && { foreign }),
      browsersForgotten: (userId) => openId?.tellClients(userId),
    }
    const openId = foreign ? undefined : openIdEdge(context)
    const wanted = context.environment.SVYAZ_SEED_ADMIN === '1'
    const refusal = wanted ? whyNoSeededAdmin(context.profile, context.host) : undefined
    if (refusal) throw new Error(refusal)
    await context.discovery.watch('orders')
    let seeded = !wanted
    const seed = async (signal: AbortSignal) => {
      await seedAdmin(context, signal)
      seeded = true
    }
    return {
      http: [...httpEdge(context), graphqlEdge(context)],
      ...(openId === undefined ? {} : { rawHttp: [openId] }),
      grpc: [grpcEdge(context)],
      notReady: () => (seeded ? [] : ['putting the administrator in place']),
      workers: [
        ...(wanted ? [{ name: 'seed-admin', run: seed }] : []),
        pollLoop({
          name: 'expired-tokens',
          everyMs: limits.expiredTokensEveryMs,
          clock: context.clock,
          async once() {
            await purgeExpired(context)
            return 0
          },
        }),
      ],
    }
  },
})
