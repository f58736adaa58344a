/** The routes and limits that hold now, as an administrator reads them: what, from where, since when. Pure. */
import type { routesInForce } from '@svyaz/contracts/http/gateway.ts'
import type { SettingsOrigin } from '@svyaz/kit'
import type { z } from 'zod'
import type { Settings } from './config.ts'

/** What limits and kept answers are shared through. */
export type RedisState = 'none' | 'here' | 'away'

/** The reply of `GET /admin/gateway/routes`. */
export const inForce = ({
  instance,
  settings,
  origin,
  redis,
}: {
  instance: string
  settings: Readonly<Settings>
  origin: SettingsOrigin
  redis: RedisState
}): z.output<typeof routesInForce> => {
  const { routes, ...limits } = settings
  const { from, version, at, sources, refused } = origin
  const sourceOf = (name: string) => sources[name] ?? 'defaults'
  return {
    instance,
    from,
    version,
    since: at,
    refused: refused === undefined ? null : { ...refused, faults: [...refused.faults] },
    redis,
    settings: Object.entries(limits).map(([name, value]) => ({ name, value, source: sourceOf(name) })),
    routesSource: sourceOf('routes'),
    routes,
  }
}
