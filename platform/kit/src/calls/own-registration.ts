/**
 * This instance in discovery: registered and signed, kept alive by heartbeats, signed afresh well before its age could be
 * held against it, and registered again when discovery forgot it or says something else of it.
 */

import type { Core } from '../core.ts'
import type { OwnKey } from '../identity/own-key.ts'
import { watchClock } from '../process/clock-skew.ts'
import type { ConsulHttp } from './consul-http.ts'
import { portNames } from './known-instances.ts'
import {
  isRenewalDue,
  registrationLimits,
  type SignedAt,
  signatureName,
  signRegistration,
} from './signed-registration.ts'

export const heartbeatLimits = {
  /** Twice in the TTL, with time to spare. */
  heartbeatMs: 4_000,
  ttlSeconds: 10,
  deregisterAfter: '1m',
} as const

/** What a heartbeat says, as the output of its check. @param at RFC 3339 */
const heartbeatNote = (at: string): string => `heartbeat ${at}`

export interface OwnRegistration {
  /**
   * Says under which ports this instance is reached, and keeps saying so until `deregister`. Resolves after the first
   * try: when discovery is away the service goes on, and is registered once it answers.
   */
  register(ports: Record<string, number>): Promise<void>
  deregister(): Promise<void>
}

interface RegistrationParts {
  consul: ConsulHttp
  key: OwnKey
  backOff: (failures: number, signal: AbortSignal) => Promise<void>
}

/** Registers this instance with discovery, and signs what it registers. */
export const createOwnRegistration = (core: Core, parts: RegistrationParts): OwnRegistration =>
  new Registration(core, parts)

class Registration implements OwnRegistration {
  readonly #core: Core
  readonly #parts: RegistrationParts
  readonly #checkId: string
  readonly #compareClocks: ReturnType<typeof watchClock>
  #heartbeat: { stop: AbortController; ended: Promise<void> } | undefined

  constructor(core: Core, parts: RegistrationParts) {
    this.#core = core
    this.#parts = parts
    this.#checkId = `service:${core.environment.instance}`
    this.#compareClocks = watchClock(core, 'discovery')
  }

  register(ports: Record<string, number>): Promise<void> {
    if (this.#heartbeat !== undefined) throw new Error('this instance is registered already')
    const stop = new AbortController()
    const { promise, resolve } = Promise.withResolvers<void>()
    const ended = this.#beat(ports, stop.signal, resolve)
    this.#heartbeat = { stop, ended }
    return Promise.race([promise, ended])
  }

  async deregister(): Promise<void> {
    if (this.#heartbeat === undefined) return
    const { stop, ended } = this.#heartbeat
    this.#heartbeat = undefined
    stop.abort()
    await ended
    const { environment, log } = this.#core
    await this.#put(`/v1/agent/service/deregister/${encodeURIComponent(environment.instance)}`).catch((error) =>
      log.warn({ err: error }, 'could not deregister; the TTL will do it'),
    )
  }

  async #beat(ports: Record<string, number>, signal: AbortSignal, first: () => void): Promise<void> {
    const { clock, log } = this.#core
    let registered: Registered | undefined
    let failures = 0
    let before = false
    while (!signal.aborted) {
      try {
        const now = { wallMs: clock.now(), monotonicMs: clock.monotonic() }
        if (registered === undefined || isRenewalDue(registered, now)) {
          const body = this.#body(ports, now)
          await this.#put('/v1/agent/service/register', body)
          if (registered === undefined)
            log.info({ ports }, before ? 'registered with discovery again' : 'registered with discovery')
          registered = { ...now, body, checkedAt: now.monotonicMs }
          before = true
          first()
        } else if (!(await this.#holds(registered, now))) {
          registered = undefined
          continue
        }
        failures = 0
        await clock.delay(heartbeatLimits.heartbeatMs, signal).catch(() => undefined)
      } catch (error) {
        failures++
        if (failures === 1) log.warn({ err: error }, 'discovery does not take the heartbeat')
        // Discovery may be away at start: the service runs, and is registered once it answers.
        first()
        await this.#parts.backOff(failures, signal)
      }
    }
  }

  /** One heartbeat. False when discovery forgot this instance or has something else: it is to be told everything, now. */
  async #holds(registered: Registered, now: SignedAt): Promise<boolean> {
    const { clock, environment, log } = this.#core
    // Consul's API doesn't say when a check was passed last: the note does, for whoever looks.
    const note = encodeURIComponent(heartbeatNote(clock.iso()))
    const path = `/v1/agent/check/pass/${encodeURIComponent(this.#checkId)}?note=${note}`
    const answer = await this.#parts.consul.send('PUT', path)
    this.#compareClocks({ sentAt: now.wallMs, receivedAt: clock.now(), date: answer.date })
    if (answer.status !== 200) return false
    if (now.monotonicMs - registered.checkedAt < registrationLimits.checkEveryMs) return true
    registered.checkedAt = now.monotonicMs
    if (!(await this.#isReplaced(registered.body))) return true
    log.warn(
      { peerInstance: environment.instance },
      'somebody else changed the registration of this instance: registering again',
    )
    return false
  }

  /** Whether discovery has something else than was registered: whoever can write there can replace it. */
  async #isReplaced(body: Body): Promise<boolean> {
    const { service, instance } = this.#core.environment
    const answer = await this.#parts.consul.send('GET', `/v1/agent/service/${encodeURIComponent(instance)}`)
    if (answer.status !== 200) return false
    const {
      Service: name,
      Address: address,
      Meta: meta,
    } = answer.body as { Service?: string; Address?: string; Meta?: Record<string, string> | null }
    const same = (entry: [string, string]) => meta?.[entry[0]] === entry[1]
    return name !== service || address !== body.Address || !Object.entries(body.Meta).every(same)
  }

  #body(ports: Record<string, number>, now: SignedAt): Body {
    const { environment } = this.#core
    const { service, instance: id, advertisedHost: host } = environment
    const advertised: Record<string, number> = {
      ...ports,
      ...(environment.advertisedHttpPort === undefined ? {} : { http: environment.advertisedHttpPort }),
      ...(environment.advertisedGrpcPort === undefined ? {} : { grpc: environment.advertisedGrpcPort }),
    }
    const named = Object.entries(advertised).filter(([name]) => portNames.has(name))
    const signed = { service, id, host, ports: Object.fromEntries(named), issuedAt: Math.floor(now.wallMs / 1000) }
    return {
      ID: id,
      Name: service,
      Address: host,
      Port: advertised.http ?? advertised.grpc ?? advertised.management ?? 0,
      Meta: {
        ...Object.fromEntries(named.map(([name, port]) => [name, String(port)])),
        profile: environment.profile,
        version: '1',
        [signatureName]: signRegistration(this.#parts.key, signed),
      },
      Check: {
        CheckID: this.#checkId,
        TTL: `${heartbeatLimits.ttlSeconds}s`,
        DeregisterCriticalServiceAfter: heartbeatLimits.deregisterAfter,
        Status: 'passing',
      },
    }
  }

  async #put(path: string, body?: Body): Promise<void> {
    const answer = await this.#parts.consul.send('PUT', path, body === undefined ? {} : { body })
    if (answer.status !== 200) throw new Error(`discovery answered ${answer.status} to ${path}: ${answer.body}`)
  }
}

/** What is registered, as Consul's API takes it. */
interface Body {
  ID: string
  Name: string
  Address: string
  Port: number
  Meta: Record<string, string>
  Check: { CheckID: string; TTL: string; DeregisterCriticalServiceAfter: string; Status: string }
}

type Registered = SignedAt & { body: Body; checkedAt: number }
