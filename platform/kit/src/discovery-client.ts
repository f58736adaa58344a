/**
 * Where services run, over the Consul HTTP API: registers this instance with a TTL check, watches others by blocking
 * queries, and keeps the last good answer in memory and on disk, so that discovery may die (reliability rule 12).
 * What is believed is in known-instances.ts, who gets a call in balancer.ts.
 */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DiscoveryClient, Instance, Picked } from './api.ts'
import { afterAnswer, afterPick, chooseInstance, type InstanceLoad, idleLoad } from './balancer.ts'
import { createConsulHttp } from './consul-http.ts'
import type { Core } from './core.ts'
import {
  afterAnswer as afterDiscoveryAnswer,
  afterSilence,
  believed,
  instanceOf,
  type Known,
  nothingKnown,
  trustIn,
} from './known-instances.ts'
import { callPolicy } from './resilience.ts'

/** Every interval of discovery, in one place. */
export const discoveryLimits = {
  heartbeatMs: 2_000,
  ttlSeconds: 10,
  deregisterAfter: '1m',
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
 * away.
 */
export const createDiscoveryClient = (core: Core): RunningDiscoveryClient => {
  const { environment, clock, log } = core
  const consul = createConsulHttp(environment.discoveryUrl)
  const ending = new AbortController()
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
  const cacheFile = (service: string) => join(environment.home, 'cache', 'discovery', `${service}.json`)

  const keep = async (service: string, instances: readonly Instance[]) => {
    const file = cacheFile(service)
    const draft = `${file}.${environment.instance}.${process.pid}`
    await mkdir(join(environment.home, 'cache', 'discovery'), { recursive: true })
    await writeFile(draft, JSON.stringify(instances))
    await rename(draft, file)
  }

  const recall = async (service: string): Promise<readonly Instance[]> => {
    const text = await readFile(cacheFile(service), 'utf8').catch(() => '[]')
    try {
      const instances = JSON.parse(text) as Instance[]
      return Array.isArray(instances) ? instances : []
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

  const follow = async (service: string, entry: Watched, answered: () => void) => {
    const { signal } = ending
    const fromDisk = await recall(service)
    if (fromDisk.length > 0 && entry.known === nothingKnown) {
      entry.known = { lastGood: fromDisk, doubtedSince: clock.monotonic() }
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
        const instances = answer.body.map(instanceOf).filter((instance) => instance !== undefined)
        entry.known = afterDiscoveryAnswer(entry.known, instances, clock.monotonic())
        for (const id of entry.loads.keys())
          if (!entry.known.lastGood.some((instance) => instance.id === id)) entry.loads.delete(id)
        observe(service, entry)
        answered()
        const fresh = JSON.stringify(instances)
        if (instances.length > 0 && fresh !== kept) {
          kept = fresh
          await keep(service, instances).catch((error) =>
            log.warn({ err: error, peer: service }, 'cannot keep the addresses'),
          )
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

  const start = (service: string): Watched => {
    const existing = watched.get(service)
    if (existing !== undefined) return existing
    if (watched.size >= discoveryLimits.servicesWatchedMax) throw new Error('too many services are watched')
    const { promise, resolve } = Promise.withResolvers<void>()
    const entry: Watched = { known: nothingKnown, loads: new Map(), ready: promise, trust: 'nothing', count: 0 }
    watched.set(service, entry)
    ending.signal.addEventListener('abort', () => resolve(), { once: true })
    const loop: Promise<void> = follow(service, entry, resolve).finally(() => loops.delete(loop))
    loops.add(loop)
    return entry
  }

  const instances = (service: string): readonly Instance[] => {
    const entry = start(service)
    observe(service, entry)
    return believed(entry.known, clock.monotonic())
  }

  const pick = (service: string): Picked | undefined => {
    const candidates = instances(service)
    const { loads } = start(service)
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

  // ---------------------------------------------------------------- this instance

  const checkId = `service:${environment.instance}`
  let heartbeat: { stop: AbortController; ended: Promise<void> } | undefined

  const registration = (ports: Record<string, number>) => {
    const advertised: Record<string, number> = {
      ...ports,
      ...(environment.advertisedHttpPort === undefined ? {} : { http: environment.advertisedHttpPort }),
      ...(environment.advertisedGrpcPort === undefined ? {} : { grpc: environment.advertisedGrpcPort }),
    }
    return {
      ID: environment.instance,
      Name: environment.service,
      Address: environment.advertisedHost,
      Port: advertised.http ?? advertised.grpc ?? advertised.management ?? 0,
      Meta: {
        ...Object.fromEntries(Object.entries(advertised).map(([name, port]) => [name, String(port)])),
        profile: environment.profile,
        version: '1',
      },
      Check: {
        CheckID: checkId,
        TTL: `${discoveryLimits.ttlSeconds}s`,
        DeregisterCriticalServiceAfter: discoveryLimits.deregisterAfter,
        Status: 'passing',
      },
    }
  }

  const put = async (path: string, body?: unknown) => {
    const answer = await consul.send('PUT', path, body === undefined ? {} : { body })
    if (answer.status !== 200) throw new Error(`discovery answered ${answer.status} to ${path}: ${answer.body}`)
  }

  const beat = async (ports: Record<string, number>, signal: AbortSignal, first: () => void) => {
    let registered = false
    let failures = 0
    while (!signal.aborted) {
      try {
        if (!registered) {
          await put('/v1/agent/service/register', registration(ports))
          registered = true
          first()
          log.info({ ports }, failures === 0 ? 'registered with discovery' : 'registered with discovery again')
        } else {
          const answer = await consul.send('PUT', `/v1/agent/check/pass/${encodeURIComponent(checkId)}`)
          // It restarted and forgot us: it has to be told everything again, now.
          if (answer.status !== 200) {
            registered = false
            failures++
            continue
          }
        }
        if (registered) failures = 0
        await clock.delay(discoveryLimits.heartbeatMs, signal).catch(() => undefined)
      } catch (error) {
        failures++
        if (failures === 1) log.warn({ err: error }, 'discovery does not take the heartbeat')
        // Discovery may be away at start: the service runs, and is registered once it answers.
        first()
        await backOff(failures, signal)
      }
    }
  }

  const deregister = async () => {
    if (heartbeat === undefined) return
    const { stop, ended } = heartbeat
    heartbeat = undefined
    stop.abort()
    await ended
    await put(`/v1/agent/service/deregister/${encodeURIComponent(environment.instance)}`).catch((error) =>
      log.warn({ err: error }, 'could not deregister; the TTL will do it'),
    )
  }

  return {
    instances,
    pick,
    watch: (service) => start(service).ready,
    register(ports) {
      if (heartbeat !== undefined) throw new Error('this instance is registered already')
      const stop = new AbortController()
      const { promise, resolve } = Promise.withResolvers<void>()
      const ended = beat(ports, stop.signal, resolve)
      heartbeat = { stop, ended }
      return Promise.race([promise, ended])
    },
    deregister,
    async [Symbol.asyncDispose]() {
      await deregister()
      ending.abort()
      await Promise.all(loops)
      consul.close()
    },
  }
}
