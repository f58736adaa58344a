/**
 * One service that this process calls, as discovery has it: asked by blocking queries, believed for five minutes when
 * discovery is away (known-instances.ts), kept on disk for the next start (reliability rule 12).
 */
import type { Instance, Picked } from '../api.ts'
import type { Core } from '../core.ts'
import { afterAnswer, afterPick, chooseInstance, type InstanceLoad, idleLoad } from './balancer.ts'
import type { ConsulHttp } from './consul-http.ts'
import { keepAddresses, recallAddresses } from './kept-addresses.ts'
import {
  afterAnswer as afterDiscoveryAnswer,
  afterSilence,
  believed,
  type Found,
  foundIn,
  type Known,
  nothingKnown,
  trustIn,
} from './known-instances.ts'
import { callPolicy } from './resilience.ts'

/** Every interval of finding others, in one place; those of being found are in own-registration.ts. */
export const discoveryLimits = {
  watchWaitSeconds: 30,
  /** Consul may add a sixteenth of the wait; more than that is silence. */
  watchTimeoutMs: 35_000,
  retryBaseMs: 200,
  retryMsMax: 5_000,
  servicesWatchedMax: 64,
} as const

/** What all watched services of a process share. */
export interface WatchParts {
  readonly core: Core
  readonly consul: ConsulHttp
  readonly metrics: DiscoveryMetrics
  backOff(failures: number, signal: AbortSignal): Promise<void>
}

export type DiscoveryMetrics = ReturnType<typeof createDiscoveryMetrics>

/** The metrics of finding others: made once a process. */
export const createDiscoveryMetrics = ({ metrics }: Pick<Core, 'metrics'>) => ({
  known: metrics.gauge('discovery_instances', 'Instances believed to be there', ['service']),
  doubted: metrics.gauge('discovery_doubted', '1: served from the last good set, 2: too old, none is served', [
    'service',
  ]),
  ejections: metrics.counter('discovery_ejections_total', 'Instances left out after failures', ['service', 'instance']),
})

/** Whom of those that discovery names is to be believed. */
export type Admit = (found: readonly Found[]) => Promise<readonly Found[]>

const doubtNumber = { nothing: 0, current: 0, 'last-good': 1, expired: 2 } as const

export class WatchedService {
  /** Resolves when something is known: from discovery, from the disk, or that the process ends. */
  readonly ready: Promise<void>
  readonly #parts: WatchParts
  readonly #service: string
  /** The name of what is kept on disk. */
  readonly #name: string
  readonly #admit: Admit
  readonly #loads = new Map<string, InstanceLoad>()
  readonly #known = Promise.withResolvers<void>()
  #belief: Known = nothingKnown
  /** As last told. */
  #trust = 'nothing'
  #count = 0
  /** What the disk has. */
  #kept = '[]'

  constructor(parts: WatchParts, names: { service: string; kept: string }, admit: Admit) {
    this.#parts = parts
    this.#service = names.service
    this.#name = names.kept
    this.#admit = admit
    this.ready = this.#known.promise
  }

  /** Those to call now. */
  instances(): readonly Instance[] {
    this.#observe()
    return believed(this.#belief, this.#parts.core.clock.monotonic())
  }

  /** The one to call next; undefined when nobody is known. */
  pick(): Picked | undefined {
    const { clock, random } = this.#parts.core
    const candidates = this.instances()
    const loads = candidates.map(({ id }) => this.#loadOf(id))
    const instance = candidates[chooseInstance(loads, clock.monotonic(), random)]
    if (instance === undefined) return undefined
    this.#loads.set(instance.id, afterPick(this.#loadOf(instance.id)))
    let told = false
    return {
      instance,
      done: (outcome) => {
        if (told) return
        told = true
        this.#afterCall(instance, outcome)
      },
    }
  }

  /** Asks discovery, and goes on asking, until the signal is aborted. Never rejects. */
  async follow(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#known.resolve(), { once: true })
    await this.#recall()
    let index = 0
    let failures = 0
    while (!signal.aborted) {
      try {
        index = await this.#ask(index, signal)
        failures = 0
        // Without an index the next query would not block: never spin.
        if (index === 0) await this.#parts.backOff(1, signal)
      } catch (error) {
        if (signal.aborted) return
        failures++
        this.#belief = afterSilence(this.#belief, this.#parts.core.clock.monotonic())
        this.#observe()
        if (failures === 1) this.#parts.core.log.warn({ err: error, peer: this.#service }, 'discovery does not answer')
        await this.#parts.backOff(failures, signal)
      }
    }
  }

  /** A copy on disk is trusted no more than discovery is. */
  async #recall(): Promise<void> {
    const fromDisk = await this.#admit(await recallAddresses(this.#parts.core.environment, this.#name))
    this.#kept = JSON.stringify(fromDisk)
    if (fromDisk.length === 0 || this.#belief !== nothingKnown) return
    this.#belief = { lastGood: instancesOf(fromDisk), doubtedSince: this.#parts.core.clock.monotonic() }
    this.#known.resolve()
  }

  /** One blocking query; resolves with the index of its answer, 0 to begin afresh. */
  async #ask(index: number, signal: AbortSignal): Promise<number> {
    const { core, consul } = this.#parts
    const path = `/v1/health/service/${encodeURIComponent(this.#service)}?passing=true&index=${index}&wait=${discoveryLimits.watchWaitSeconds}s`
    const answer = await consul.send('GET', path, { timeoutMs: discoveryLimits.watchTimeoutMs, signal })
    if (answer.status !== 200 || !Array.isArray(answer.body)) throw new Error(`discovery answered ${answer.status}`)
    const found = await this.#admit(answer.body.map(foundIn).filter((instance) => instance !== undefined))
    this.#belief = afterDiscoveryAnswer(this.#belief, instancesOf(found), core.clock.monotonic())
    for (const id of this.#loads.keys())
      if (!this.#belief.lastGood.some((instance) => instance.id === id)) this.#loads.delete(id)
    this.#observe()
    this.#known.resolve()
    await this.#keep(found)
    // Consul's rule: an index that goes back, or is missing, starts the watch afresh.
    return answer.index === undefined || answer.index < index ? 0 : answer.index
  }

  async #keep(found: readonly Found[]): Promise<void> {
    const { core } = this.#parts
    const fresh = JSON.stringify(found)
    if (found.length === 0 || fresh === this.#kept) return
    this.#kept = fresh
    await keepAddresses(core.environment, this.#name, found).catch((error) =>
      core.log.warn({ err: error, peer: this.#service }, 'cannot keep the addresses'),
    )
  }

  /** Says aloud when the belief in a set changes: an old address book must not pass for a fresh one. */
  #observe(): void {
    const { core, metrics } = this.#parts
    const service = this.#service
    const now = core.clock.monotonic()
    const trust = trustIn(this.#belief, now)
    const count = believed(this.#belief, now).length
    if (trust === this.#trust && count === this.#count) return
    this.#count = count
    metrics.known.set(count, { service })
    metrics.doubted.set(doubtNumber[trust], { service })
    if (trust === this.#trust) return
    const line = { peer: service, trust, instances: this.#belief.lastGood.length }
    if (trust === 'last-good') core.log.warn(line, 'discovery knows nobody or is away: serving the last good addresses')
    else if (trust === 'expired')
      core.log.error(line, 'the last good addresses are too old: no instance is known any more')
    else if (this.#trust !== 'nothing') core.log.info(line, 'discovery answers again')
    this.#trust = trust
  }

  #loadOf(id: string): InstanceLoad {
    return this.#loads.get(id) ?? idleLoad
  }

  #afterCall({ id }: Instance, outcome: Parameters<Picked['done']>[0]): void {
    const { core, metrics } = this.#parts
    const before = this.#loadOf(id)
    const after = afterAnswer(before, outcome, core.clock.monotonic(), callPolicy.balancer)
    this.#loads.set(id, after)
    if (after.ejectedUntil <= before.ejectedUntil) return
    metrics.ejections.inc({ service: this.#service, instance: id })
    const forMs = Math.round(after.ejectedUntil - core.clock.monotonic())
    const line = { peer: this.#service, peerInstance: id, forMs }
    core.log.warn(line, 'an instance keeps failing and is left out')
  }
}

const instancesOf = (found: readonly Found[]): readonly Instance[] => found.map(({ instance }) => instance)
