/**
 * Who is calling: each service signs its own 60 s access token (RFC 9068, `at+jwt`) with Ed25519, everyone verifies with
 * one JWKS. Reliability rule 9, decision 0022. No check can be switched off.
 *
 * Read in this order: identity.ts, token-claims.ts, own-key.ts (signs), key-set.ts (verifies); who may do what:
 * access.ts, callers.ts, client-key.ts.
 */
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { decodeProtectedHeader, errors, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import type { Caller, Metrics, TokenSigner } from '../api.ts'
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
export const createSigner = async (core: Core, ownKey?: OwnKey): Promise<TokenSigner> =>
  new ServiceSigner(core, ownKey ?? (await readOwnKey(core)))

interface SignedToken {
  readonly token: Promise<string>
  /** Wall seconds. */
  readonly issuedAt: number
  /** Monotonic ms. */
  readonly signedAt: number
}

class ServiceSigner implements TokenSigner {
  readonly #core: Core
  readonly #own: OwnKey
  readonly #cache = boundedMap<SignedToken>(identityLimits.tokensCachedMax)

  constructor(core: Core, own: OwnKey) {
    this.#core = core
    this.#own = own
  }

  serviceToken(audience: string, onBehalfOf?: User): Promise<string> {
    const acting = onBehalfOf === undefined ? {} : { act: { sub: onBehalfOf.userId, roles: onBehalfOf.roles } }
    return this.#cached(audience, this.#core.environment.service, acting)
  }

  async userToken(audience: string, user: User): Promise<string> {
    const { service } = this.#core.environment
    if (service !== 'gateway') throw new Error(`${service} may not sign tokens for users: only the gateway exchanges`)
    return this.#cached(audience, user.userId, { roles: user.roles, act: { sub: service } })
  }

  #cached(audience: string, subject: string, claims: Record<string, unknown>): Promise<string> {
    const { clock } = this.#core
    const cacheKey = JSON.stringify([audience, subject, claims])
    const nowSeconds = Math.floor(clock.now() / 1000)
    const monotonic = clock.monotonic()
    const known = this.#cache.get(cacheKey)
    if (known !== undefined && isUsable(known, nowSeconds, monotonic)) return known.token
    const token = this.#sign(audience, subject, claims, nowSeconds)
    this.#cache.set(cacheKey, { token, issuedAt: nowSeconds, signedAt: monotonic })
    token.catch(() => this.#cache.delete(cacheKey))
    return token
  }

  #sign(audience: string, subject: string, claims: Record<string, unknown>, atSeconds: number): Promise<string> {
    const { environment, ids } = this.#core
    return new SignJWT({ ...claims, client_id: environment.service })
      .setProtectedHeader({ alg: algorithm, typ: tokenType, kid: this.#own.keyId })
      .setIssuer(environment.service)
      .setSubject(subject)
      .setAudience(audience)
      .setIssuedAt(atSeconds)
      .setExpirationTime(atSeconds + identityLimits.tokenLifetimeSeconds)
      .setJti(ids.uuid())
      .sign(this.#own.key)
  }
}

/** Not one that was signed before the wall clock was set back: it is from the future for everybody else. */
function isUsable({ issuedAt, signedAt }: SignedToken, nowSeconds: number, monotonicMs: number): boolean {
  const usedForSeconds = identityLimits.tokenLifetimeSeconds - identityLimits.renewBeforeSeconds
  return (
    nowSeconds >= issuedAt && nowSeconds < issuedAt + usedForSeconds && monotonicMs < signedAt + usedForSeconds * 1000
  )
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

const refuse = (detail: string, cause?: unknown) => new Failure('unauthenticated', detail, { cause })

/**
 * Verifies tokens of other services for this one: algorithm allow-list, type, issuer owns the key, audience is this
 * service, times with 5 s leeway, at most 60 s old whatever `exp` says; a user's token only from the gateway.
 */
export const createVerifier = async (core: Core, keySet: KeySet = createKeySet(core)): Promise<Verifier> =>
  new TokenVerifier(core, keySet)

class TokenVerifier implements Verifier {
  readonly #core: Core
  readonly #keySet: KeySet
  readonly #verified = boundedMap<Verified>(identityLimits.verifiedCachedMax)
  readonly #clocks: OtherClocks

  constructor(core: Core, keySet: KeySet) {
    this.#core = core
    this.#keySet = keySet
    this.#clocks = new OtherClocks(core)
  }

  async verify(authorization: string | undefined): Promise<Caller> {
    const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) throw refuse('a Bearer access token is needed')
    if (token.length > identityLimits.tokenCharsMax) throw refuse('the access token is too long')
    const freshened = this.#keySet.freshened()
    if (freshened !== undefined) await freshened
    const known = this.#verified.get(token)
    if (known === undefined) return this.#check(token)
    if (this.#core.clock.monotonic() >= known.overAt) throw refuse('the access token is over')
    return this.#isCurrent(known) ? known.caller : this.#check(token)
  }

  #isCurrent({ issuedAt, endsAt, key, keyId }: Verified): boolean {
    const seconds = this.#core.clock.now() / 1000
    const hasBegun = issuedAt - identityLimits.clockLeewaySeconds <= seconds
    return hasBegun && seconds < endsAt && this.#keySet.known(keyId) === key
  }

  async #check(token: string): Promise<Caller> {
    const { clock } = this.#core
    const { clockLeewaySeconds, tokenLifetimeSeconds } = identityLimits
    const { key, keyId } = await this.#keyOf(token)
    const wallMs = clock.now()
    const payload = await this.#payloadOf(token, key, wallMs)
    const { iat: issuedAt = 0, exp: endsAt = 0 } = payload
    if (endsAt - issuedAt > tokenLifetimeSeconds) throw refuse('the access token lives longer than it may')
    const caller = callerOf(payload, key.service)
    if (caller === undefined) throw refuse('the access token has claims that its issuer may not make')
    this.#clocks.agree(key.service)
    const leftMs = (endsAt + clockLeewaySeconds) * 1000 - wallMs
    this.#verified.set(token, { caller, key, keyId, issuedAt, endsAt, overAt: clock.monotonic() + leftMs })
    return caller
  }

  async #keyOf(token: string): Promise<{ key: PublicKey; keyId: string }> {
    let keyId: string | undefined
    try {
      keyId = decodeProtectedHeader(token).kid
    } catch (error) {
      throw refuse('the access token is not a JWT', error)
    }
    const key = keyId === undefined ? undefined : await this.#keySet.find(keyId)
    if (keyId === undefined || key === undefined) throw refuse('the access token is signed by an unknown key')
    return { key, keyId }
  }

  async #payloadOf(token: string, key: PublicKey, wallMs: number): Promise<JWTPayload> {
    const { clockLeewaySeconds, tokenLifetimeSeconds } = identityLimits
    try {
      const { payload } = await jwtVerify(token, key.key, {
        algorithms: [algorithm],
        typ: tokenType,
        issuer: key.service,
        audience: this.#core.environment.service,
        clockTolerance: clockLeewaySeconds,
        maxTokenAge: tokenLifetimeSeconds,
        currentDate: new Date(wallMs),
        requiredClaims: ['sub', 'exp', 'iat', 'jti'],
      })
      return payload
    } catch (error) {
      const { iat, exp } = byTimeAlone(error) ?? {}
      const lived = iat !== undefined && exp !== undefined ? exp - iat : undefined
      // Another life than our signers give has nothing to do with clocks.
      if (iat !== undefined && lived === tokenLifetimeSeconds) throw this.#clocks.outOfTime(key.service, iat)
      throw refuse('the access token is not valid here', error)
    }
  }
}

/** Services whose tokens were refused for their time alone: a line in the log when that begins, a count for each. */
class OtherClocks {
  readonly #core: Core
  readonly #refused: ReturnType<Metrics['counter']>
  readonly #apart = new Set<string>()

  constructor(core: Core) {
    this.#core = core
    this.#refused = core.metrics.counter(
      'identity_clock_refusals_total',
      'Tokens of our own services refused for their time alone: clocks are apart, or an old token is replayed',
      ['caller'],
    )
  }

  agree(service: string): void {
    this.#apart.delete(service)
  }

  /**
   * A token that is right but for its time is nobody's wrong password: our signers make none that is older than 60 s,
   * so clocks are apart (or somebody replays one). 503: a client keeps its session, a message waits and is not dead.
   */
  outOfTime(service: string, issuedAt: number): Failure {
    const { clock, environment, log } = this.#core
    const { clockLeewaySeconds, retryAfterClocksSeconds } = identityLimits
    const audience = environment.service
    const ageSeconds = Math.round(clock.now() / 1000 - issuedAt)
    const said = ageSeconds < 0 ? `${-ageSeconds} s ahead of` : `${ageSeconds} s behind`
    this.#refused.inc({ caller: service })
    if (!this.#apart.has(service)) {
      this.#apart.add(service)
      log.warn(
        { peer: service, ageSeconds, leewaySeconds: clockLeewaySeconds },
        `tokens of ${service} are refused for their time: compare the clocks of ${service} and ${audience}`,
      )
    }
    return new Failure(
      'unavailable',
      `the access token of ${service} is ${said} the clock of ${audience}: the clocks of their machines are apart`,
      { retryAfterSeconds: retryAfterClocksSeconds },
    )
  }
}
