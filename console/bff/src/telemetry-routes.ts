/**
 * What the telemetry knows, for pages: its read-only answers are passed on as they are (contracts/telemetry.ts). Only
 * paths of this list, only with a session, each answer bounded. Its live frames: live-tunnels.ts.
 */
import { Problem } from '@svyaz/stage'
import { ask } from './requests.ts'
import { type Parts, passOn, type Route } from './route.ts'

const readable =
  /^\/api\/telemetry(\/(?:traces(?:\/[0-9a-f]{32}(?:\/joined)?)?|services|red|edges(?:\/totals)?|logs(?:\/rate)?|metrics\/(?:query|query-range|names|targets)|levels))$/

/** `GET /api/telemetry/…`: what the telemetry answers at the same path and query. */
export const telemetryRoutes = ({ telemetry }: Parts): readonly Route[] => [
  {
    method: 'GET',
    path: readable,
    access: 'page',
    handle: async ({ response, params: [path = ''], query }) => {
      if (telemetry === undefined) throw new Problem(503, 'no_telemetry', 'this console was told of no telemetry')
      passOn(response, await ask({ url: telemetry }, { path: query.size === 0 ? path : `${path}?${query}` }))
    },
  },
]
