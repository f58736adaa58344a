/** Who is registered, for pages. It names addresses within the network, so where operators have to sign in, reading it needs one too. */
import { Problem, sendJson } from '@svyaz/stage'
import { sessionOf } from './guard.ts'
import type { Parts, Route } from './route.ts'

/** `GET /api/discovery`. */
export const discoveryRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/discovery$/,
    handle: async ({ request, response }) => {
      await parts.operators.admit(sessionOf(request, parts.sessions))
      if (parts.discovery === undefined) throw new Problem(503, 'no_discovery', 'this console was told of no discovery')
      sendJson(response, 200, await parts.discovery.view())
    },
  },
]
