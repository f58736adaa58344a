/** MC3: from Kafka back to MC1 over HTTP. Read `events.ts` next. */
import { defineService } from '@svyaz/kit'
import { settings } from './config.ts'
import { subscriptions } from './events.ts'
import { createPoster } from './poster.ts'

export const service = defineService({
  name: 'mc3',
  settings,
  async start(context) {
    await context.discovery.watch('mc1')
    const poster = createPoster(context)
    return {
      records: subscriptions(context, poster),
      close: () => Promise.resolve(poster[Symbol.asyncDispose]()),
    }
  },
})
