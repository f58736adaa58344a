/**
 * Registrations for whoever looks at discovery from outside of a service: what an entry of `/v1/health/service/<name>`
 * registers, and whether its own service signed it, as callers judge it (decision 0039).
 */
import type { Instance } from '../api.ts'
import { createKeySet, type KeySetParts } from '../identity/key-set.ts'
import { systemClock } from '../process/clock.ts'
import { foundIn } from './known-instances.ts'
import { type Distrust, isSignedBy, mismatchOf, readRegistration } from './signed-registration.ts'

/** `unchecked`: what it says of itself fits, and nobody gave the keys to verify it with. */
export type RegistrationVerdict = 'signed' | 'unchecked' | Distrust

export interface JudgedRegistration {
  readonly instance: Instance
  readonly verdict: RegistrationVerdict
  /** Whole seconds since 1970; absent where nothing readable is signed. */
  readonly signedAt?: number
}

/** @returns undefined for an entry that names no place */
export type JudgeRegistration = (service: string, entry: unknown) => Promise<JudgedRegistration | undefined>

/**
 * A judge of registrations.
 * @param jwksFile public keys of all services, read again as callers read them; undefined where there is none
 */
export function registrationJudge(
  jwksFile: string | undefined,
  {
    log,
    clock = systemClock,
  }: { readonly log: KeySetParts['log']; readonly clock?: Pick<typeof systemClock, 'now' | 'monotonic'> },
): JudgeRegistration {
  const keys = jwksFile === undefined ? undefined : createKeySet({ clock, log, environment: { jwksFile } })
  return async (service, entry) => {
    const found = foundIn(entry)
    if (found === undefined) return undefined
    const { instance, signed } = found
    if (signed === undefined) return { instance, verdict: 'unsigned' }
    const claimed = readRegistration(signed)
    if (claimed === undefined) return { instance, verdict: 'malformed' }
    const signedAt = claimed.registration.issuedAt
    const mismatch = mismatchOf(claimed, service, instance, Math.floor(clock.now() / 1_000))
    if (mismatch !== undefined) return { instance, verdict: mismatch, signedAt }
    if (keys === undefined) return { instance, verdict: 'unchecked', signedAt }
    const key = await keys.find(claimed.keyId)
    if (key === undefined) return { instance, verdict: 'unknown-key', signedAt }
    return { instance, verdict: isSignedBy(claimed, key) ? 'signed' : 'wrong-signature', signedAt }
  }
}
