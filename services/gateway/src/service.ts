/** The gateway: every client's one door. Read `judge.ts` next; what it lets through is in `routes.ts`. */
import { readFile } from 'node:fs/promises'
import { type Context, defineService, type OwnServer } from '@svyaz/kit'
import { watchCallees } from './admission.ts'
import { type Environment, environment, type Settings, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { introspectAtUsers } from './identity-provider.ts'
import type { Shared } from './redis/shared.ts'
import { Gateway } from './server.ts'

export const service = defineService({
  name: 'gateway',
  settings,
  environment,
  async start(context: Context<Settings>) {
    const [shared] = await Promise.all([
      sharedBy(context),
      context.discovery.watch('users'),
      watchCallees(context.discovery, context.settings.current()),
    ])
    const gateway = new Gateway(context, { introspect: introspectAtUsers(context), ...shared?.parts })
    await shared?.start()
    return {
      servers: [{ portName: 'http', listen: (address) => gateway.listen(address) }, ...secureServers(context, gateway)],
      consumers: subscriptions(gateway),
      close: async () => shared?.[Symbol.asyncDispose](),
    }
  },
})

/** What this gateway has in common with others, where there is a Redis. */
const sharedBy = async (context: Context<Settings>): Promise<Shared | undefined> => {
  const { SVYAZ_REDIS_URL: url } = context.environment as Environment
  return url === undefined ? undefined : (await import('./redis/shared.ts')).openShared(url, context)
}

/** One where there is a certificate; what speaks TLS is loaded then. */
const secureServers = ({ environment: variables }: Context<Settings>, gateway: Gateway): OwnServer[] => {
  const { SVYAZ_HTTPS_PORT, SVYAZ_CERTIFICATE_FILE, SVYAZ_CERTIFICATE_KEY_FILE } = variables as Environment
  if (SVYAZ_CERTIFICATE_FILE === undefined || SVYAZ_CERTIFICATE_KEY_FILE === undefined) return []
  return [
    {
      portName: 'https',
      async listen({ host }) {
        const [certificate, key] = await Promise.all([
          readFile(SVYAZ_CERTIFICATE_FILE, 'utf8'),
          readFile(SVYAZ_CERTIFICATE_KEY_FILE, 'utf8'),
        ])
        return gateway.listenSecurely({ host, port: SVYAZ_HTTPS_PORT }, { certificate, key })
      },
    },
  ]
}
