/** What the gateway hears: a blocked user or an ended session is shut out at once, in every instance of the gateway. */
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Subscription, subscribe } from '@svyaz/kit'
import type { Gateway } from './server.ts'

/** A block of a user ends what the gateway remembers of the tokens, and open streams. */
export const subscriptions = (gateway: Pick<Gateway, 'userBlocked' | 'userSignedOut'>): Subscription[] => [
  subscribe({
    topic: usersEvents,
    group: { broadcast: true },
    dedupe: 'none',
    on: {
      'user.blocked': async ({ data }) => gateway.userBlocked(data.userId),
      'user.signed-out': async ({ data }) => gateway.userSignedOut(data.userId, data.sessionId),
    },
  }),
]
