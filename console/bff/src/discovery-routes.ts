/** Who is registered, for pages. It names addresses within the network, so where operators have to sign in, reading it needs one too. */
import { Problem, sendJson } from '@svyaz/stage'
import type { Parts, Route } from './route.ts'

/** `GET /api/discovery`. */
export const discoveryRoutes = (parts: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: /^\/api\/discovery$/,
    access: 'operator',
    handle: async ({ response }) => {
      if (parts.discovery === undefined) throw new Problem(503, 'no_discovery', 'this console was told of no discovery')
      sendJson(response, 200, await parts.discovery.view())
    },
  },
]
