/**
 * A registration that its service signed: a compact JWS (RFC 7515) over everything that callers act on, of a type of its
 * own (RFC 8725, 3.11), so that it is not an access token and no access token is one. Reliability rule 24, decision 0039.
 * Decisions are pure; the key is an argument.
 */
import { sign, verify } from 'node:crypto'
import type { Instance } from '../api.ts'
import type { PublicKey } from '../identity/key-set.ts'
import type { OwnKey } from '../identity/own-key.ts'

export const registrationLimits = {
  /**
   * A registration is taken this long before and after the moment that it names. Wide, because a clock that is hours
   * off must not make services vanish; the age only bounds how long a copy is of use.
   */
  ageSecondsMax: 24 * 3_600,
  /** An instance signs afresh this long before a caller could refuse what it signed. */
  renewAfterMs: 3_600_000,
  /** An instance looks this often whether discovery still says what it registered. */
  checkEveryMs: 10_000,
  /** Consul takes no longer value in `Meta`. */
  textCharsMax: 512,
  /** Distrusted instances that were reported; then the counting starts over. */
  toldMax: 1_024,
} as const

/** The name of the signature in a registration's `Meta`. */
export const signatureName = 'signed'
const type = 'registration+jwt'
const algorithm = 'EdDSA'

/** What is signed: an instance of a service, and when (whole seconds, wall clock). */
export interface Registration extends Instance {
  readonly service: string
  readonly issuedAt: number
}

export type Distrust =
  | 'unsigned'
  | 'malformed'
  | 'another-service'
  | 'altered'
  | 'out-of-date'
  | 'unknown-key'
  | 'wrong-signature'

const encode = (part: object | Buffer): string =>
  (Buffer.isBuffer(part) ? part : Buffer.from(JSON.stringify(part))).toString('base64url')

/** @throws Error when the address is too long to fit into `Meta` */
export const signRegistration = ({ keyId, key }: OwnKey, registration: Registration): string => {
  const { service, id, host, ports, issuedAt } = registration
  const header = encode({ alg: algorithm, typ: type, kid: keyId })
  const signed = `${header}.${encode({ sub: service, id, host, ports, iat: issuedAt })}`
  const text = `${signed}.${encode(sign(null, Buffer.from(signed), key))}`
  if (text.length > registrationLimits.textCharsMax)
    throw new Error(
      `the signed registration of ${id} has ${text.length} characters, Consul takes ${registrationLimits.textCharsMax}: ` +
        'shorten the advertised host, the instance name or the key id',
    )
  return text
}

/** What a text says, nothing of it verified yet. */
export interface Claimed {
  readonly keyId: string
  readonly registration: Registration
  /** What the signature is over. */
  readonly signed: string
  readonly signature: Buffer
}

const decode = (part: string): Record<string, unknown> => {
  const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
  if (typeof value !== 'object' || value === null) throw new TypeError('not an object')
  return value as Record<string, unknown>
}

/** Undefined for anything but a JWS of our type whose claims have their kinds. */
export const readRegistration = (text: string): Claimed | undefined => {
  if (text.length > registrationLimits.textCharsMax) return undefined
  const [header, payload, signature, ...rest] = text.split('.')
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) return undefined
  try {
    const { alg, typ, kid } = decode(header)
    const { sub: service, id, host, ports, iat: issuedAt } = decode(payload)
    if (alg !== algorithm || typ !== type || typeof kid !== 'string') return undefined
    if (typeof service !== 'string' || typeof id !== 'string' || typeof host !== 'string') return undefined
    if (typeof issuedAt !== 'number' || !Number.isSafeInteger(issuedAt)) return undefined
    if (typeof ports !== 'object' || ports === null) return undefined
    return {
      keyId: kid,
      registration: { service, id, host, ports: ports as Record<string, number>, issuedAt },
      signed: `${header}.${payload}`,
      signature: Buffer.from(signature, 'base64url'),
    }
  } catch {
    return undefined
  }
}

const samePorts = (a: Instance['ports'], b: Instance['ports']): boolean => {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => a[name] === b[name])
}

/** Why `found`, as discovery gave it, is not what `claimed` says of `service` now; undefined when it is. */
export const mismatchOf = (
  { registration }: Claimed,
  service: string,
  found: Instance,
  nowSeconds: number,
): Distrust | undefined => {
  if (registration.service !== service) return 'another-service'
  const { id, host, ports, issuedAt } = registration
  if (id !== found.id || host !== found.host || !samePorts(ports, found.ports)) return 'altered'
  return Math.abs(nowSeconds - issuedAt) > registrationLimits.ageSecondsMax ? 'out-of-date' : undefined
}

/** Whether the key's own service made this signature. About 0.1 ms: its verdict is to be remembered. */
export const isSignedBy = ({ registration, signed, signature }: Claimed, { key, service }: PublicKey): boolean =>
  registration.service === service && verify(null, Buffer.from(signed), key, signature)

/** When something was signed: wall and monotonic ms. */
export interface SignedAt {
  readonly wallMs: number
  readonly monotonicMs: number
}

/** Whether an instance should sign afresh: in time by both clocks, and at once when the wall clock was set back. */
export const isRenewalDue = (signedAt: SignedAt, now: SignedAt): boolean =>
  now.wallMs < signedAt.wallMs ||
  now.wallMs - signedAt.wallMs >= registrationLimits.renewAfterMs ||
  now.monotonicMs - signedAt.monotonicMs >= registrationLimits.renewAfterMs
