/** Sagas for pages: what orders says of them to operators, with the cursor of the next page beside it. */
import { sendJson } from '@svyaz/stage'
import type { SagasAnswer, SagasView } from '../../protocol.ts'
import { asAdministrator } from './as-administrator.ts'
import { type Parts, passOn, type Route } from './route.ts'

const names = ['status', 'sort', 'olderThanSeconds', 'limit', 'cursor'] as const

/** `GET /api/sagas`: the query is that of the operation `listSagas`. */
export const sagaRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/sagas$/,
    access: 'operator',
    handle: async ({ request, response, query }) => {
      const asked = new URLSearchParams()
      for (const name of names) if (query.get(name)) asked.set(name, query.get(name) ?? '')
      const answer = await asAdministrator(parts, request, { path: `/orders/sagas?${asked}` })
      if (answer.status !== 200) return passOn(response, answer)
      const next = nextCursor(String(answer.headers.link ?? ''))
      const body: SagasAnswer = { ...(JSON.parse(answer.text) as SagasView), ...(next === undefined ? {} : { next }) }
      sendJson(response, 200, body)
    },
  },
]

/** RFC 8288. */
const nextCursor = (link: string): string | undefined => /[?&]cursor=([\w-]+)[^>]*>;\s*rel="?next"?/.exec(link)?.[1]
