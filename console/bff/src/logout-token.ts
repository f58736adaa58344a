/**
 * What a provider says when somebody has signed out elsewhere (OpenID Connect Back-Channel Logout 1.0, 2.6): a signed
 * token that nothing else can be taken for. Pure: the keys and the time are arguments.
 */
import { createPublicKey, type JsonWebKey, verify } from 'node:crypto'

/** Whom it ends: the session of that id at the provider, or each one of that user. */
export interface SignedOut {
  readonly subject: string | undefined
  readonly sid: string | undefined
  /** Once each. */
  readonly id: string
}

/** A token that is to be taken for nothing; the message says why. */
export class BadLogoutToken extends Error {}

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** A provider may be this much ahead, and a token on its way for so long. */
const skewSeconds = 60
const ageSecondsMax = 300

interface Expected {
  readonly issuer: string
  readonly clientId: string
  readonly nowSeconds: number
}

/** The name of the key that signed it. @throws BadLogoutToken for what isn't a token, or not signed by RS256 */
export function keyIdOf(token: string): string | undefined {
  const { alg, typ, kid } = partsOf(token).header
  if (alg !== 'RS256') throw new BadLogoutToken('it is not signed by RS256')
  // Some providers still leave the type out or call it a plain JWT; anything else is another kind of token.
  if (typ !== undefined && !/^(application\/)?(logout\+)?jwt$/i.test(String(typ)))
    throw new BadLogoutToken(`it is of the type ${typ}`)
  return typeof kid === 'string' ? kid : undefined
}

/** @throws BadLogoutToken when anything about it is not as the standard wants it */
export function readLogoutToken(token: string, key: JsonWebKey, expected: Expected): SignedOut {
  const { claims, signed, signature } = partsOf(token)
  if (!verify('RSA-SHA256', signed, createPublicKey({ key, format: 'jwk' }), signature))
    throw new BadLogoutToken('its signature is not that of the provider')
  const fault = faultOf(claims, expected)
  if (fault !== undefined) throw new BadLogoutToken(fault)
  return { subject: text(claims.sub), sid: text(claims.sid), id: String(claims.jti) }
}

type Claims = Readonly<Record<string, unknown>>

function faultOf(claims: Claims, { issuer, clientId, nowSeconds }: Expected): string | undefined {
  const { iss, aud, iat, exp, jti, events, nonce } = claims
  if (iss !== issuer) return 'it is from another provider'
  if (!(Array.isArray(aud) ? aud : [aud]).includes(clientId)) return 'it is for another client'
  if (typeof iat !== 'number' || iat > nowSeconds + skewSeconds || iat < nowSeconds - ageSecondsMax)
    return 'it was not made just now'
  if (exp !== undefined && !(typeof exp === 'number' && exp > nowSeconds - skewSeconds)) return 'it is over'
  if (typeof jti !== 'string' || jti === '') return 'it has no id'
  // An ID token has one; this is how one is never taken for the other.
  if (nonce !== undefined) return 'it has a nonce'
  if (typeof events !== 'object' || events === null || !(event in events)) return 'it does not say that it is a logout'
  if (text(claims.sub) === undefined && text(claims.sid) === undefined) return 'it names nobody'
  return undefined
}

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

function partsOf(token: string): { header: Claims; claims: Claims; signed: Buffer; signature: Buffer } {
  const [header = '', claims = '', signature = '', ...more] = token.split('.')
  if (signature === '' || more.length > 0) throw new BadLogoutToken('it is not a signed token')
  return {
    header: objectOf(header),
    claims: objectOf(claims),
    signed: Buffer.from(`${header}.${claims}`),
    signature: Buffer.from(signature, 'base64url'),
  }
}

function objectOf(part: string): Claims {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Claims
  } catch {
    // Said below.
  }
  throw new BadLogoutToken('it is not a signed token')
}
