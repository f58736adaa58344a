/** The gateway: every client's one door. Read `server.ts` next; what it lets through is in `routes.ts`. */
import { type Context, defineService } from '@svyaz/kit'
import { watchCallees } from './admission.ts'
import { type Settings, settings } from './config.ts'
import { subscriptions } from './events.ts'
import { introspectAtUsers } from './identity-provider.ts'
import { createGateway } from './server.ts'

export const service = defineService({
  name: 'gateway',
  settings,
  async start(context: Context<Settings>) {
    await Promise.all([context.discovery.watch('users'), watchCallees(context.discovery, context.settings.current())])
    const gateway = createGateway(context, { introspect: introspectAtUsers(context) })
    return {
      servers: [{ portName: 'http', listen: gateway.listen }],
      consumers: subscriptions(gateway),
    }
  },
})
