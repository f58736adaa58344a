/**
 * Who is calling: each service signs its own 60 s access token (RFC 9068, `at+jwt`) with Ed25519, everyone verifies with
 * one JWKS. Reliability rule 9, decision 0022. No check can be switched off.
 */
import { readFile, stat } from 'node:fs/promises'
import type { Role } from '@svyaz/contracts/vocabulary.ts'
import { type CryptoKey, decodeProtectedHeader, importJWK, type JWK, jwtVerify, SignJWT } from 'jose'
import type { Caller, TokenSigner } from './api.ts'
import type { Core } from './core.ts'
import { Failure } from './failure.ts'
import { callerOf, serviceOfKey } from './token-claims.ts'

/** Every bound of identity, in one place. */
export const identityLimits = {
  tokenLifetimeSeconds: 60,
  /** A cached token is replaced this long before it ends. */
  renewBeforeSeconds: 10,
  clockLeewaySeconds: 5,
  tokensCachedMax: 10_000,
  verifiedCachedMax: 10_000,
  tokenCharsMax: 8_192,
  /** An unknown key id makes the JWKS be read again, at most this often. */
  keysReadEveryMs: 1_000,
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

/** Reads the private key of this service from `keyFile`, an Ed25519 JWK (RFC 8037) with a `kid`. */
export const createSigner = async (core: Core): Promise<TokenSigner> => {
  const jwk = JSON.parse(await readFile(core.environment.keyFile, 'utf8')) as JWK
  if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.d === undefined || jwk.kid === undefined)
    throw new Error(`${core.environment.keyFile} must hold a private Ed25519 JWK with a kid`)
  const keyId = jwk.kid
  const key = await importJWK(jwk, algorithm)
  const service = core.environment.service
  const cache = boundedMap<{ token: Promise<string>; renewAtSeconds: number }>(identityLimits.tokensCachedMax)

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
    const known = cache.get(cacheKey)
    if (known !== undefined && nowSeconds < known.renewAtSeconds) return known.token
    const token = sign(audience, subject, claims, nowSeconds)
    const renewAtSeconds = nowSeconds + identityLimits.tokenLifetimeSeconds - identityLimits.renewBeforeSeconds
    cache.set(cacheKey, { token, renewAtSeconds })
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

interface PublicKey {
  key: CryptoKey | Uint8Array
  service: string
}

/** The JWKS file; read again when an unknown key id comes, so that a rotated key is known without a restart. */
const createKeySet = (core: Core) => {
  let keys = new Map<string, PublicKey>()
  let readAt: number | undefined
  let reading: Promise<void> | undefined
  let fileStamp = ''

  const read = async () => {
    const { mtimeMs, size } = await stat(core.environment.jwksFile)
    const stamp = `${mtimeMs} ${size}`
    if (stamp === fileStamp) return
    const set = JSON.parse(await readFile(core.environment.jwksFile, 'utf8')) as { keys: JWK[] }
    const fresh = new Map<string, PublicKey>()
    for (const jwk of set.keys) {
      if (jwk.kty !== 'OKP' || jwk.crv !== 'Ed25519' || jwk.kid === undefined) continue
      const { d: _private, ...publicPart } = jwk
      fresh.set(jwk.kid, {
        key: await importJWK(publicPart, algorithm),
        service: serviceOfKey({ ...jwk, kid: jwk.kid }),
      })
    }
    keys = fresh
    fileStamp = stamp
  }

  return {
    async find(keyId: string): Promise<PublicKey | undefined> {
      const known = keys.get(keyId)
      if (known !== undefined) return known
      const now = core.clock.monotonic()
      if (reading === undefined && (readAt === undefined || now - readAt >= identityLimits.keysReadEveryMs)) {
        readAt = now
        reading = read()
          .catch((error) => core.log.error({ err: error, file: core.environment.jwksFile }, 'cannot read the JWKS'))
          .finally(() => {
            reading = undefined
          })
      }
      await reading
      return keys.get(keyId)
    },
    has: (keyId: string) => keys.has(keyId),
  }
}

/**
 * Verifies tokens of other services for this one: algorithm allow-list, type, issuer owns the key, audience is this
 * service, times with 5 s leeway; a user's token only from the gateway.
 */
export const createVerifier = async (core: Core): Promise<Verifier> => {
  const keySet = createKeySet(core)
  const audience = core.environment.service
  const verified = boundedMap<{ caller: Caller; keyId: string; endsAtMs: number }>(identityLimits.verifiedCachedMax)
  const refuse = (detail: string, cause?: unknown) => new Failure('unauthenticated', detail, { cause })

  const check = async (token: string): Promise<Caller> => {
    let keyId: string | undefined
    try {
      keyId = decodeProtectedHeader(token).kid
    } catch (error) {
      throw refuse('the access token is not a JWT', error)
    }
    const key = keyId === undefined ? undefined : await keySet.find(keyId)
    if (keyId === undefined || key === undefined) throw refuse('the access token is signed by an unknown key')
    const { payload } = await jwtVerify(token, key.key, {
      algorithms: [algorithm],
      typ: tokenType,
      issuer: key.service,
      audience,
      clockTolerance: identityLimits.clockLeewaySeconds,
      maxTokenAge: identityLimits.tokenLifetimeSeconds,
      currentDate: new Date(core.clock.now()),
      requiredClaims: ['sub', 'exp', 'iat', 'jti'],
    }).catch((error: unknown) => {
      throw refuse('the access token is not valid here', error)
    })
    const caller = callerOf(payload, key.service)
    if (caller === undefined) throw refuse('the access token has claims that its issuer may not make')
    verified.set(token, { caller, keyId, endsAtMs: (payload.exp ?? 0) * 1000 })
    return caller
  }

  return {
    async verify(authorization) {
      const token = /^Bearer ([\w.~+/=-]+)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) throw refuse('a Bearer access token is needed')
      if (token.length > identityLimits.tokenCharsMax) throw refuse('the access token is too long')
      const known = verified.get(token)
      if (known !== undefined && core.clock.now() < known.endsAtMs && keySet.has(known.keyId)) return known.caller
      return check(token)
    },
  }
}
