import { listNotifications } from '@svyaz/contracts/http/notifications.ts'
import { type HttpHandler, handle, signedIn } from '@svyaz/kit'
import { frameOf, framesAfter, type NotificationsContext } from './storage.ts'

/** The HTTP operations of this service. */
export const httpEdge = (context: NotificationsContext): HttpHandler[] => [
  handle(listNotifications, async ({ query, caller }) => {
    const rows = await framesAfter(context, signedIn(caller).userId, query.cursor, query.limit + 1)
    const page = rows.slice(0, query.limit).map(frameOf)
    const last = page.at(-1)
    return { body: page, ...(rows.length > page.length && last ? { nextCursor: String(last.cursor) } : {}) }
  }),
]
