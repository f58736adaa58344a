/**
 * Which of the instances that discovery names may be called: those whose registration their own service signed. Whoever
 * can write to discovery could otherwise stand in for any service, take passwords and say that made-up tokens are good
 * (reliability rule 24, decision 0039). Verified once per text, not per call.
 */
import type { Core } from '../core.ts'
import type { KeySet, PublicKey } from '../identity/key-set.ts'
import type { Found } from './known-instances.ts'
import {
  type Claimed,
  type Distrust,
  isSignedBy,
  mismatchOf,
  readRegistration,
  registrationLimits,
} from './signed-registration.ts'

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
export const createInstanceTrust = (core: TrustCore, keySet: KeySet): InstanceTrust => new Judge(core, keySet)

type TrustCore = Pick<Core, 'clock' | 'log' | 'metrics'>

class Judge implements InstanceTrust {
  readonly #core: TrustCore
  readonly #keySet: KeySet
  readonly #judged = new Map<string, Verdicts>()
  readonly #told = new Set<string>()
  readonly #present
  readonly #seen

  constructor(core: TrustCore, keySet: KeySet) {
    this.#core = core
    this.#keySet = keySet
    this.#present = core.metrics.gauge(
      'discovery_untrusted',
      'Registrations under the name of a service that it did not sign: they are not called',
      ['service'],
    )
    this.#seen = core.metrics.counter('discovery_untrusted_total', 'Distinct registrations that were not trusted', [
      'service',
      'reason',
    ])
  }

  async trusted(service: string, found: readonly Found[]): Promise<readonly Found[]> {
    const before = this.#judged.get(service) ?? new Map()
    const now: Verdicts = new Map()
    const good: Found[] = []
    for (const entry of found) {
      const reason = await this.#judge(service, entry, before, now)
      if (reason === undefined) good.push(entry)
      else this.#tell(service, entry, reason)
    }
    this.#judged.set(service, now)
    this.#present.set(found.length - good.length, { service })
    return good
  }

  /** Undefined when it is good. A verdict goes from `before` to `now`, so that what is gone is forgotten. */
  async #judge(service: string, found: Found, before: Verdicts, now: Verdicts): Promise<Distrust | undefined> {
    const { instance, signed } = found
    if (signed === undefined) return 'unsigned'
    const known = before.get(signed)
    const claimed = known?.claimed ?? readRegistration(signed)
    if (claimed === undefined) return 'malformed'
    const mismatch = mismatchOf(claimed, service, instance, Math.floor(this.#core.clock.now() / 1000))
    if (mismatch !== undefined) return mismatch
    const key = await this.#keySet.find(claimed.keyId)
    if (key === undefined) return 'unknown-key'
    // A key that changed is another object: then the text is judged again.
    const good = known?.judgedBy === key ? known.good : isSignedBy(claimed, key)
    now.set(signed, { claimed, judgedBy: key, good })
    return good ? undefined : 'wrong-signature'
  }

  #tell(service: string, { instance }: Found, reason: Distrust): void {
    const what = JSON.stringify([service, instance, reason])
    if (this.#told.has(what)) return
    if (this.#told.size >= registrationLimits.toldMax) this.#told.clear()
    this.#told.add(what)
    this.#seen.inc({ service, reason })
    this.#core.log.warn(
      { peer: service, peerInstance: instance.id, address: instance.host, ports: instance.ports, reason },
      `a registration that ${service} did not sign is ignored`,
    )
  }
}
