/** What the claims of a verified internal token mean (reliability rule 9). Pure: no keys, no time. */
import { type Role, roles } from '@svyaz/contracts/vocabulary.ts'
import type { Caller } from '../api.ts'

/** The only service that may speak in a user's own name. */
const exchanger = 'gateway'

/**
 * The service that a public key belongs to: the member `svyaz:service`, or else the key id without its last `-…` part
 * (`orders-2` is a key of orders).
 */
export const serviceOfKey = (jwk: { kid: string; [member: string]: unknown }): string => {
  const named = jwk['svyaz:service']
  if (typeof named === 'string') return named
  const cut = jwk.kid.lastIndexOf('-')
  return cut > 0 ? jwk.kid.slice(0, cut) : jwk.kid
}

const isRole = (value: unknown): value is Role => roles.includes(value as Role)

const userFrom = (userId: unknown, userRoles: unknown): { userId: string; roles: readonly Role[] } | undefined =>
  typeof userId === 'string' && userId !== '' && Array.isArray(userRoles) && userRoles.every(isRole)
    ? { userId, roles: userRoles }
    : undefined

/**
 * The caller that these claims name, or undefined when `issuer` may not claim that.
 * `sub` = issuer: the service itself, `act` being the user it acts for. Another `sub`: a user, out of the gateway's
 * exchange alone (RFC 8693, where `act` names the gateway).
 */
export const callerOf = (
  claims: { readonly [claim: string]: unknown; sub?: string | undefined },
  issuer: string,
): Caller | undefined => {
  const act = claims.act as { sub?: unknown; roles?: unknown } | undefined
  if (claims.sub === issuer) {
    if (act === undefined) return { kind: 'service', service: issuer }
    const onBehalfOf = userFrom(act?.sub, act?.roles)
    return onBehalfOf === undefined ? undefined : { kind: 'service', service: issuer, onBehalfOf }
  }
  if (issuer !== exchanger || act?.sub !== exchanger) return undefined
  const user = userFrom(claims.sub, claims.roles)
  return user === undefined ? undefined : { kind: 'user', ...user }
}
