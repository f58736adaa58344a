/** The identity provider as the gateway asks it (RFC 7662): users, over HTTP, under the gateway's own name (R3.1). */
import { introspectToken } from '@svyaz/contracts/http/users.ts'
import { type Context, Failure } from '@svyaz/kit'
import { gatewayLimits } from './config.ts'
import type { Introspect } from './introspection.ts'

/** Throws Failure `unavailable` whatever goes wrong: a token that could not be checked is neither good nor bad. */
export const introspectAtUsers =
  ({ http }: Pick<Context<object>, 'http'>): Introspect =>
  async (token) => {
    try {
      const { body } = await http('users').call(
        introspectToken,
        { body: { token } },
        { timeoutMs: gatewayLimits.introspection.timeoutMs },
      )
      if (!body.active || body.userId === undefined) return undefined
      return {
        userId: body.userId,
        roles: body.roles ?? [],
        tokenEndsAt: body.exp === undefined ? Number.POSITIVE_INFINITY : body.exp * 1000,
      }
    } catch (error) {
      throw new Failure('unavailable', 'the access token cannot be checked now', { cause: error })
    }
  }
