/** MC2: from the WebSocket to Kafka. It keeps nothing: what it can't produce, MC1 sends again. */
import { relayMessages } from '@svyaz/contracts/events/relay.ts'
import { defineService } from '@svyaz/kit'
import { settings } from './config.ts'
import { relaySocket } from './socket-server.ts'

export const service = defineService({
  name: 'mc2',
  settings,
  writes: [relayMessages],
  start: (context) => ({ servers: [relaySocket(context)] }),
})
