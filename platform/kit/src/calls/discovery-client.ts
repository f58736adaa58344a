/**
 * Where services run, over the Consul HTTP API: registers this instance with a TTL check, watches others by blocking
 * queries, and keeps the last good answer in memory and on disk, so that discovery may die (reliability rule 12).
 * What is believed is in known-instances.ts, whom in trusted-instances.ts, who gets a call in balancer.ts.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiscoveryClient, Instance, Picked, Whose } from '../api.ts'
import type { Core } from '../core.ts'
import type { KeySet } from '../identity/key-set.ts'
import type { OwnKey } from '../identity/own-key.ts'
import { afterAnswer, afterPick, chooseInstance, type InstanceLoad, idleLoad } from './balancer.ts'
import { createConsulHttp } from './consul-http.ts'
import {
  afterAnswer as afterDiscoveryAnswer,
  afterSilence,
  believed,
  foundIn,
  type Known,
  nothingKnown,
  trustIn,
} from './known-instances.ts'
import { createOwnRegistration } from './own-registration.ts'
import { callPolicy } from './resilience.ts'
import { createInstanceTrust, type Found } from './trusted-instances.ts'

/** Every interval of finding others, in one place; those of being found are in own-registration.ts. */
export const discoveryLimits = {
  watchWaitSeconds: 30,
  /** Consul may add a sixteenth of the wait; more than that is silence. */
  watchTimeoutMs: 35_000,
  retryBaseMs: 200,
  retryMsMax: 5_000,
  servicesWatchedMax: 64,
} as const

export interface RunningDiscoveryClient extends DiscoveryClient, AsyncDisposable {
  /**
   * Says under which ports this instance is reached, and keeps saying so until `deregister`. Resolves after the first
   * try: when discovery is away the service goes on, and is registered once it answers.
   */
  register(ports: Record<string, number>): Promise<void>
  deregister(): Promise<void>
}

const instancesOf = (found: readonly Found[]): readonly Instance[] => found.map(({ instance }) => instance)

interface Watched {
  known: Known
  loads: Map<string, InstanceLoad>
  ready: Promise<void>
  /** As last told. */
  trust: string
  count: number
}

/**
 * Registers this instance and knows the others: by blocking queries, with what was known last when discovery is
 * away. `key` signs this instance's registration, `keySet` verifies those of others.
 */
export const createDiscoveryClient = (core: Core, parts: { key: OwnKey; keySet: KeySet }): RunningDiscoveryClient => {
  const { environment, clock, log } = core
  const consul = createConsulHttp(environment.discoveryUrl, environment.discoveryToken)
  const ending = new AbortController()
  const trust = createInstanceTrust(core, parts.keySet)
  const watched = new Map<string, Watched>()
  const loops = new Set<Promise<void>>()
  const known = core.metrics.gauge('discovery_instances', 'Instances believed to be there', ['service'])
  const doubted = core.metrics.gauge(
    'discovery_doubted',
    '1: served from the last good set, 2: too old, none is served',
    ['service'],
  )
  const ejections = core.metrics.counter('discovery_ejections_total', 'Instances left out after failures', [
    'service',
    'instance',
  ])
  const backOff = (failures: number, signal: AbortSignal) =>
    clock
      .delay(
        (0.5 + core.random() / 2) *
          Math.min(discoveryLimits.retryBaseMs * 2 ** (failures - 1), discoveryLimits.retryMsMax),
        signal,
      )
      .catch(() => undefined)
  const cacheFile = (name: string) => join(environment.home, 'cache', 'discovery', `${name}.json`)

  const keep = async (name: string, found: readonly Found[]) => {
    const file = cacheFile(name)
    const draft = `${file}.${environment.instance}.${process.pid}`
    await mkdir(join(environment.home, 'cache', 'discovery'), { recursive: true })
    await writeFile(draft, JSON.stringify(found))
    await rename(draft, file)
  }

  const recall = async (name: string): Promise<readonly Found[]> => {
    const text = await readFile(cacheFile(name), 'utf8').catch(() => '[]')
    try {
      const found = JSON.parse(text) as Partial<Found>[]
      return Array.isArray(found) ? found.filter((entry): entry is Found => typeof entry?.instance === 'object') : []
    } catch {
      return []
    }
  }

  /** Says aloud when the belief in a set changes: an old address book must not pass for a fresh one. */
  const observe = (service: string, entry: Watched) => {
    const now = clock.monotonic()
    const trust = trustIn(entry.known, now)
    const count = believed(entry.known, now).length
    if (trust === entry.trust && count === entry.count) return
    entry.count = count
    known.set(count, { service })
    doubted.set(trust === 'last-good' ? 1 : trust === 'expired' ? 2 : 0, { service })
    if (trust === entry.trust) return
    const line = { peer: service, trust, instances: entry.known.lastGood.length }
    if (trust === 'last-good') log.warn(line, 'discovery knows nobody or is away: serving the last good addresses')
    else if (trust === 'expired') log.error(line, 'the last good addresses are too old: no instance is known any more')
    else if (entry.trust !== 'nothing') log.info(line, 'discovery answers again')
    entry.trust = trust
  }

  const follow = async (service: string, name: string, entry: Watched, answered: () => void) => {
    const { signal } = ending
    const admit = (found: readonly Found[]) => (name === service ? trust.trusted(service, found) : found)
    // A copy on disk is trusted no more than discovery is.
    const fromDisk = await admit(await recall(name))
    if (fromDisk.length > 0 && entry.known === nothingKnown) {
      entry.known = { lastGood: instancesOf(fromDisk), doubtedSince: clock.monotonic() }
      answered()
    }
    let index = 0
    let failures = 0
    let kept = JSON.stringify(fromDisk)
    while (!signal.aborted) {
      try {
        const path = `/v1/health/service/${encodeURIComponent(service)}?passing=true&index=${index}&wait=${discoveryLimits.watchWaitSeconds}s`
        const answer = await consul.send('GET', path, { timeoutMs: discoveryLimits.watchTimeoutMs, signal })
        if (answer.status !== 200 || !Array.isArray(answer.body)) throw new Error(`discovery answered ${answer.status}`)
        failures = 0
        // Consul's rule: an index that goes back, or is missing, starts the watch afresh.
        index = answer.index === undefined || answer.index < index ? 0 : answer.index
        const found = await admit(answer.body.map(foundIn).filter((instance) => instance !== undefined))
        entry.known = afterDiscoveryAnswer(entry.known, instancesOf(found), clock.monotonic())
        for (const id of entry.loads.keys())
          if (!entry.known.lastGood.some((instance) => instance.id === id)) entry.loads.delete(id)
        observe(service, entry)
        answered()
        const fresh = JSON.stringify(found)
        if (found.length > 0 && fresh !== kept) {
          kept = fresh
          await keep(name, found).catch((error) => log.warn({ err: error, peer: service }, 'cannot keep the addresses'))
        }
        // Without an index the next query would not block: never spin.
        if (index === 0) await backOff(1, signal)
      } catch (error) {
        if (signal.aborted) return
        failures++
        entry.known = afterSilence(entry.known, clock.monotonic())
        observe(service, entry)
        if (failures === 1) log.warn({ err: error, peer: service }, 'discovery does not answer')
        await backOff(failures, signal)
      }
    }
  }

  const start = (service: string, whose: Whose = {}): Watched => {
    // A colon is in no name of a service: what a foreign one registers never mixes with what was verified.
    const name = whose.unsigned === true ? `unsigned:${service}` : service
    const existing = watched.get(name)
    if (existing !== undefined) return existing
    if (watched.size >= discoveryLimits.servicesWatchedMax) throw new Error('too many services are watched')
    const { promise, resolve } = Promise.withResolvers<void>()
    const entry: Watched = { known: nothingKnown, loads: new Map(), ready: promise, trust: 'nothing', count: 0 }
    watched.set(name, entry)
    ending.signal.addEventListener('abort', () => resolve(), { once: true })
    const loop: Promise<void> = follow(service, name, entry, resolve).finally(() => loops.delete(loop))
    loops.add(loop)
    return entry
  }

  const instances = (service: string, whose?: Whose): readonly Instance[] => {
    const entry = start(service, whose)
    observe(service, entry)
    return believed(entry.known, clock.monotonic())
  }

  const pick = (service: string, whose?: Whose): Picked | undefined => {
    const candidates = instances(service, whose)
    const { loads } = start(service, whose)
    const loadOf = (id: string) => loads.get(id) ?? idleLoad
    const chosen = chooseInstance(
      candidates.map((instance) => loadOf(instance.id)),
      clock.monotonic(),
      core.random,
    )
    const instance = candidates[chosen]
    if (instance === undefined) return undefined
    loads.set(instance.id, afterPick(loadOf(instance.id)))
    let told = false
    return {
      instance,
      done(outcome) {
        if (told) return
        told = true
        const before = loadOf(instance.id)
        const after = afterAnswer(before, outcome, clock.monotonic(), callPolicy.balancer)
        loads.set(instance.id, after)
        if (after.ejectedUntil > before.ejectedUntil) {
          ejections.inc({ service, instance: instance.id })
          const forMs = Math.round(after.ejectedUntil - clock.monotonic())
          log.warn({ peer: service, peerInstance: instance.id, forMs }, 'an instance keeps failing and is left out')
        }
      },
    }
  }

  const own = createOwnRegistration(core, { consul, key: parts.key, backOff })

  return {
    instances,
    pick,
    watch: (service, whose) => start(service, whose).ready,
    register: own.register,
    deregister: own.deregister,
    async [Symbol.asyncDispose]() {
      await own.deregister()
      ending.abort()
      await Promise.all(loops)
      consul.close()
    },
  }
}
