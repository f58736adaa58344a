/**
 * Which of the instances that discovery names may be called: those whose registration their own service signed. Whoever
 * can write to discovery could otherwise stand in for any service, take passwords and say that made-up tokens are good
 * (reliability rule 24, decision 0039). Verified once per text, not per call.
 */
import type { Instance } from '../api.ts'
import type { Core } from '../core.ts'
import type { KeySet, PublicKey } from '../identity/key-set.ts'
import {
  type Claimed,
  type Distrust,
  isSignedBy,
  mismatchOf,
  readRegistration,
  registrationLimits,
} from './signed-registration.ts'

/** An instance as discovery, or the copy on disk, has it. */
export interface Found {
  readonly instance: Instance
  readonly signed: string | undefined
}

export interface InstanceTrust {
  /** Those of `found` that are `service` by its own signature. The others are counted, and told once. */
  trusted(service: string, found: readonly Found[]): Promise<readonly Found[]>
}

interface Verdict {
  claimed: Claimed
  judgedBy: PublicKey
  good: boolean
}
/** By the text of the registration: those that the last answer about a service had. */
type Verdicts = Map<string, Verdict>

/** Judges registrations: which of them are of the service that they name. */
export const createInstanceTrust = (core: Pick<Core, 'clock' | 'log' | 'metrics'>, keySet: KeySet): InstanceTrust => {
  const judged = new Map<string, Verdicts>()
  const told = new Set<string>()
  const present = core.metrics.gauge(
    'discovery_untrusted',
    'Registrations under the name of a service that it did not sign: they are not called',
    ['service'],
  )
  const seen = core.metrics.counter('discovery_untrusted_total', 'Distinct registrations that were not trusted', [
    'service',
    'reason',
  ])

  const judge = async (
    service: string,
    { instance, signed }: Found,
    before: Verdicts,
    now: Verdicts,
  ): Promise<Distrust | undefined> => {
    if (signed === undefined) return 'unsigned'
    const known = before.get(signed)
    const claimed = known?.claimed ?? readRegistration(signed)
    if (claimed === undefined) return 'malformed'
    const mismatch = mismatchOf(claimed, service, instance, Math.floor(core.clock.now() / 1000))
    if (mismatch !== undefined) return mismatch
    const key = await keySet.find(claimed.keyId)
    if (key === undefined) return 'unknown-key'
    // A key that changed is another object: then the text is judged again.
    const good = known?.judgedBy === key ? known.good : isSignedBy(claimed, key)
    now.set(signed, { claimed, judgedBy: key, good })
    return good ? undefined : 'wrong-signature'
  }

  const tell = (service: string, { instance }: Found, reason: Distrust) => {
    const what = JSON.stringify([service, instance, reason])
    if (told.has(what)) return
    if (told.size >= registrationLimits.toldMax) told.clear()
    told.add(what)
    seen.inc({ service, reason })
    core.log.warn(
      { peer: service, peerInstance: instance.id, address: instance.host, ports: instance.ports, reason },
      `a registration that ${service} did not sign is ignored`,
    )
  }

  return {
    async trusted(service, found) {
      const before = judged.get(service) ?? new Map()
      const now: Verdicts = new Map()
      const good: Found[] = []
      for (const entry of found) {
        const reason = await judge(service, entry, before, now)
        if (reason === undefined) good.push(entry)
        else tell(service, entry, reason)
      }
      judged.set(service, now)
      present.set(found.length - good.length, { service })
      return good
    },
  }
}
