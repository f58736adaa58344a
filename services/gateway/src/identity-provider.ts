/** The identity provider as the gateway asks it (RFC 7662): users, over HTTP, under the gateway's own name (R3.1). */
import { introspectToken } from '@svyaz/contracts/http/users.ts'
import { type Context, Failure } from '@svyaz/kit'
import { gatewayLimits } from './config.ts'
import type { Introspect } from './introspection.ts'

/** Throws Failure `unavailable` whatever goes wrong: a token that could not be checked is neither good nor bad. */
export const introspectAtUsers =
  ({ http, clock }: Pick<Context<object>, 'http' | 'clock'>): Introspect =>
  async (token) => {
    try {
      const { body, headers } = await http('users').call(
        introspectToken,
        { body: { token } },
        { timeoutMs: gatewayLimits.introspection.timeoutMs },
      )
      if (!body.active || body.userId === undefined) return undefined
      return {
        userId: body.userId,
        sessionId: body.sid,
        roles: body.roles ?? [],
        tokenEndsAt: clock.monotonic() + leftMs(body, headers.date, clock.now()),
      }
    } catch (error) {
      const why = error instanceof Failure ? `: ${error.detail}` : ''
      throw new Failure('unavailable', `the access token cannot be checked now${why}`, {
        cause: error,
        retryAfterSeconds: (error instanceof Failure && error.retryAfterSeconds) || gatewayLimits.retryAfterSeconds,
      })
    }
  }

/**
 * How long a token goes on: as its provider counted; or, from one that doesn't say so, by the provider's clock, which is
 * the `Date` of its answer, not our own.
 */
export const leftMs = (
  { exp, expires_in: left }: { exp?: number | undefined; expires_in?: number | undefined },
  date: string | undefined,
  nowMs: number,
): number => {
  if (left !== undefined) return left * 1000
  if (exp === undefined) return Number.POSITIVE_INFINITY
  const theirs = Date.parse(date ?? '')
  return exp * 1000 - (Number.isNaN(theirs) ? nowMs : theirs)
}
