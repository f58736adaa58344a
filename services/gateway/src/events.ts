/**
 * What the gateway hears, in every instance of it: a blocked user or an ended session is shut out at once, and what is
 * kept of data that changed is no longer given without asking.
 */
import { inventoryEvents } from '@svyaz/contracts/events/inventory.ts'
import { usersEvents } from '@svyaz/contracts/events/users.ts'
import { type Subscription, subscribe } from '@svyaz/kit'
import type { Gateway } from './server.ts'

/** The gateway's subscriptions: they repeat no harm, so nothing is remembered of what was handled. */
export const subscriptions = (
  gateway: Pick<Gateway, 'userBlocked' | 'userChanged' | 'userSignedOut' | 'dataChanged'>,
): Subscription[] => [
  subscribe({
    topic: usersEvents,
    group: { broadcast: true },
    dedupe: 'none',
    on: {
      'user.blocked': async ({ data }) => gateway.userBlocked(data.userId),
      'user.roles-changed': async ({ data }) => gateway.userChanged(data.userId),
      'user.signed-out': async ({ data }) => gateway.userSignedOut(data.userId, data.sessionId),
    },
  }),
  subscribe({
    topic: inventoryEvents,
    group: { broadcast: true },
    dedupe: 'none',
    on: {
      'stock.changed': async ({ data }) => gateway.dataChanged('/products', `/products/${data.productId}`),
    },
  }),
]
