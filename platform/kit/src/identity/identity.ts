/**
 * Who is calling: each service signs its own 60 s access token (RFC 9068, `at+jwt`) with Ed25519, everyone verifies with
 * one JWKS. Reliability rule 9, decision 0022. No check can be switched off.
 *
 * Read in this order: identity.ts, token-claims.ts, own-key.ts (signs), key-set.ts (verifies); who may do what:
 * access.ts, callers.ts, client-key.ts.
 */
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Caller, TokenSigner } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { createKeySet, type KeySet, type PublicKey } from './key-set.ts'
import { type OwnKey, readOwnKey } from './own-key.ts'
import { callerOf } from './token-claims.ts'

/** Every bound of identity, in one place. */
export const identityLimits = {
  tokenLifetimeSeconds: 60,
  /** A cached token is replaced this long before it ends. */
  renewBeforeSeconds: 10,
  /** How far the clocks of two processes may be apart before one refuses the other's tokens. */
  clockLeewaySeconds: 5,
  /** Clocks don't come together by themselves in a second. */
  retryAfterClocksSeconds: 30,
  tokensCachedMax: 10_000,
  verifiedCachedMax: 10_000,
  tokenCharsMax: 8_192,
} as const

const algorithm = 'EdDSA'
const tokenType = 'at+jwt'

type User = { userId: string; roles: readonly Role[] }

/** Turns the value of an `Authorization` header into who is calling; throws Failure `unauthenticated`. */
export interface Verifier {
  verify(authorization: string | undefined): Promise<Caller>
}

/** A map that forgets its oldest entry when full. */
const boundedMap = <Value>(entriesMax: number) => {
  const entries = new Map<string, Value>()
  return {
    get: (key: string) => entries.get(key),
    delete: (key: string) => entries.delete(key),
    set(key: string, value: Value) {
      entries.delete(key)
      const oldest = entries.size >= entriesMax ? entries.keys().next() : undefined
      if (oldest !== undefined && oldest.done !== true) entries.delete(oldest.value)
      entries.set(key, value)
    },
  }
}

/** Signs with the private key of this service; throws when its file holds none. */
export const createSigner = async (core: Core, ownKey?: OwnKey): Promise<TokenSigner> => {
  const { keyId, key } = ownKey ?? (await readOwnKey(core))
  const service = core.environment.service
  const cache = boundedMap<{ token: Promise<string>; issuedAt: number; signedAt: number }>(
    identityLimits.tokensCachedMax,
  )
  const usedForSeconds = identityLimits.tokenLifetimeSeconds - identityLimits.renewBeforeSeconds

  const sign = (audience: string, subject: string, claims: Record<string, unknown>, atSeconds: number) =>
    new SignJWT({ ...claims, client_id: service })
      .setProtectedHeader({ alg: algorithm, typ: tokenType, kid: keyId })
      .setIssuer(service)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(atSeconds)
      .setExpirationTime(atSeconds + identityLimits.tokenLifetimeSeconds)
      .setJti(core.ids.uuid())
      .sign(key)

  const cached = (audience: string, subject: string, claims: Record<string, unknown>): Promise<string> => {
    const cacheKey = JSON.stringify([audience, subject, claims])
    const nowSeconds = Math.floor(core.clock.now() / 1000)
    const monotonic = core.clock.monotonic()
    const known = cache.get(cacheKey)
    if (
      known !== undefined &&
      // Signed before the wall clock was set back: from the future for everybody else.
      nowSeconds >= known.issuedAt &&
      nowSeconds < known.issuedAt + usedForSeconds &&
      monotonic < known.signedAt + usedForSeconds * 1000
    )
      return known.token
    const token = sign(audience, subject, claims, nowSeconds)
    cache.set(cacheKey, { token, issuedAt: nowSeconds, signedAt: monotonic })
    token.catch(() => cache.delete(cacheKey))
    return token
  }

  return {
    serviceToken: (audience, onBehalfOf) =>
      cached(
        audience,
        service,
        onBehalfOf === undefined ? {} : { act: { sub: onBehalfOf.userId, roles: onBehalfOf.roles } },
      ),
    userToken: async (audience, user: User) => {
      if (service !== 'gateway') throw new Error(`${service} may not sign tokens for users: only the gateway exchanges`)
      return cached(audience, user.userId, { roles: user.roles, act: { sub: service } })
    },
  }
}

/** What was verified, and for how long it may be taken without looking again. */
interface Verified {
  caller: Caller
  key: PublicKey
  keyId: string
  /** Wall seconds, as the token says. */
  issuedAt: number
  endsAt: number
  /** Monotonic ms. Beyond it the token is over, wherever the wall clock stands by then. */
  overAt: number
}

/** jose's verdicts on the times alone: the signature and every other claim held by then. */
const byTimeAlone = (error: unknown): JWTPayload | undefined => {
  if (error instanceof errors.JWTExpired) return error.payload
  if (error instanceof errors.JWTClaimValidationFailed && error.claim === 'iat' && error.reason === 'check_failed')
    return error.payload
  return undefined
}

/**
 * Verifies tokens of other services for this one: algorithm allow-list, type, issuer owns the key, audience is this
 * service, times with 5 s leeway, at most 60 s old whatever `exp` says; a user's token only from the gateway.
 */
export const createVerifier = async (core: Core, keySet: KeySet = createKeySet(core)): Promise<Verifier> => {
  const { clock, environment } = core
  const { clockLeewaySeconds, tokenLifetimeSeconds } = identityLimits
  const audience = environment.service
  const verified = boundedMap<Verified>(identityLimits.verifiedCachedMax)
  const refuse = (detail: string, cause?: unknown) => new Failure('unauthenticated', detail, { cause })
  const refusedByTime = core.metrics.counter(
    'identity_clock_refusals_total',
    'Tokens of our own services refused for their time alone: clocks are apart, or an old token is replayed',
    ['caller'],
  )
  const apart = new Set<string>()

  /**
   * A token that is right but for its time is nobody's wrong password: our signers make none that is older than 60 s,
   * so clocks are apart (or somebody replays one). 503: a client keeps its session, a message waits and is not dead.
   */
  const outOfTime = (service: string, issuedAt: number): Failure => {
    const ageSeconds = Math.round(clock.now() / 1000 - issuedAt)
    const said = ageSeconds < 0 ? `${-ageSeconds} s ahead of` : `${ageSeconds} s behind`
    refusedByTime.inc({ caller: service })
    if (!apart.has(service)) {
      apart.add(service)
      core.log.warn(
        { peer: service, ageSeconds, leewaySeconds: clockLeewaySeconds },
        `tokens of ${service} are refused for their time: compare the clocks of ${service} and ${audience}`,
      )
    }
    return new Failure(
      'unavailable',
      `the access token of ${service} is ${said} the clock of ${audience}: the clocks of their machines are apart`,
      { retryAfterSeconds: identityLimits.retryAfterClocksSeconds },
    )
  }

  const check = async (token: string): Promise<Caller> => {
    let keyId: string | undefined
    try {
      keyId = decodeProtectedHeader(token).kid
    } catch (error) {
      throw refuse('the access token is not a JWT', error)
    }
    const key = keyId === undefined ? undefined : await keySet.find(keyId)
    if (keyId === undefined || key === undefined) throw refuse('the access token is signed by an unknown key')
    const wallMs = clock.now()
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [algorithm],
      typ: tokenType,
      issuer: key.service,
      audience,
      clockTolerance: clockLeewaySeconds,
      maxTokenAge: tokenLifetimeSeconds,
      currentDate: new Date(wallMs),
      requiredClaims: ['sub', 'exp', 'iat', 'jti'],
    }).catch((error: unknown) => {
      const { iat, exp } = byTimeAlone(error) ?? {}
      const lived = iat !== undefined && exp !== undefined ? exp - iat : undefined
      // Another life than our signers give has nothing to do with clocks.
      if (iat !== undefined && lived === tokenLifetimeSeconds) throw outOfTime(key.service, iat)
      throw refuse('the access token is not valid here', error)
    })
    const { iat: issuedAt = 0, exp: endsAt = 0 } = payload
    if (endsAt - issuedAt > tokenLifetimeSeconds) throw refuse('the access token lives longer than it may')
    const caller = callerOf(payload, key.service)
    if (caller === undefined) throw refuse('the access token has claims that its issuer may not make')
    apart.delete(key.service)
    const leftMs = (endsAt + clockLeewaySeconds) * 1000 - wallMs
    verified.set(token, { caller, key, keyId, issuedAt, endsAt, overAt: clock.monotonic() + leftMs })
    return caller
  }

  const isCurrent = ({ issuedAt, endsAt, key, keyId }: Verified): boolean => {
    const seconds = clock.now() / 1000
    return issuedAt - clockLeewaySeconds <= seconds && seconds < endsAt && keySet.known(keyId) === key
  }

  return {
    async verify(authorization) {
      const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) throw refuse('a Bearer access token is needed')
      if (token.length > identityLimits.tokenCharsMax) throw refuse('the access token is too long')
      const freshened = keySet.freshened()
      if (freshened !== undefined) await freshened
      const known = verified.get(token)
      if (known === undefined) return check(token)
      if (clock.monotonic() >= known.overAt) throw refuse('the access token is over')
      return isCurrent(known) ? known.caller : check(token)
    },
  }
}
