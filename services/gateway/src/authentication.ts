/** Who is asking, by access token (RFC 6750), and whether the route is for them. */
import { Failure } from '@svyaz/kit'
import { gatewayLimits } from './config.ts'
import type { IntrospectionCache, SignedIn } from './introspection.ts'
import type { GatewayRoute } from './routes.ts'

const realm = 'Bearer realm="svyaz"'
const bearer = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i

/** RFC 6750, 3: no error code for a request that brought no token. */
const noToken = () =>
  new Failure('unauthenticated', 'an access token is needed', { headers: { 'www-authenticate': realm } })

const badToken = () =>
  new Failure('unauthenticated', 'the access token is not valid, or has expired', {
    headers: { 'www-authenticate': `${realm}, error="invalid_token"` },
  })

/**
 * The caller of a request to a route with this `auth`; undefined is an anonymous one.
 *
 * @throws Failure `unauthenticated`, or `unavailable` when the token could not be checked: never "allowed" then.
 */
export const authenticate = (
  auth: GatewayRoute['auth'],
  authorization: string | undefined,
  cache: IntrospectionCache,
): SignedIn | undefined | Promise<SignedIn | undefined> => {
  if (auth === 'none') return undefined
  if (authorization === undefined) {
    if (auth === 'optional') return undefined
    throw noToken()
  }
  const token = bearer.exec(authorization)?.[1]
  if (token === undefined) throw /^Bearer\b/i.test(authorization) ? badToken() : noToken()
  return userOfToken(token, cache)
}

/** The user of a token that was given, wherever it stood. Throws as `authenticate` does. */
export const userOfToken = (token: string, cache: IntrospectionCache): SignedIn | Promise<SignedIn> => {
  if (token.length > gatewayLimits.introspection.tokenCharsMax) throw badToken()
  const known = cache.userOf(token)
  if (known instanceof Promise) return known.then(orRefuse)
  return orRefuse(known)
}

const orRefuse = (user: SignedIn | undefined): SignedIn => {
  if (user === undefined) throw badToken()
  return user
}

/** @throws Failure `forbidden` when the route names roles and the caller has none of them. */
export const checkRoles = (wanted: GatewayRoute['roles'], user: SignedIn | undefined): void => {
  if (wanted === undefined) return
  if (user === undefined) throw noToken()
  if (!wanted.some((role) => user.roles.includes(role)))
    throw new Failure('forbidden', `this is for ${wanted.join(' or ')}`, {
      headers: { 'www-authenticate': `${realm}, error="insufficient_scope"` },
    })
}
