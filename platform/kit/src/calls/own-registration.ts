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

export interface OwnRegistration {
  /**
   * Says under which ports this instance is reached, and keeps saying so until `deregister`. Resolves after the first
   * try: when discovery is away the service goes on, and is registered once it answers.
   */
  register(ports: Record<string, number>): Promise<void>
  deregister(): Promise<void>
}

/** Registers this instance with discovery, and signs what it registers. */
export const createOwnRegistration = (
  core: Core,
  parts: { consul: ConsulHttp; key: OwnKey; backOff: (failures: number, signal: AbortSignal) => Promise<void> },
): OwnRegistration => {
  const { environment, clock, log } = core
  const { consul, key, backOff } = parts
  const { service, instance: id, advertisedHost: host } = environment
  const checkId = `service:${id}`
  const compareClocks = watchClock(core, 'discovery')
  let heartbeat: { stop: AbortController; ended: Promise<void> } | undefined

  const registration = (ports: Record<string, number>, now: SignedAt) => {
    const advertised: Record<string, number> = {
      ...ports,
      ...(environment.advertisedHttpPort === undefined ? {} : { http: environment.advertisedHttpPort }),
      ...(environment.advertisedGrpcPort === undefined ? {} : { grpc: environment.advertisedGrpcPort }),
    }
    const named = Object.entries(advertised).filter(([name]) => portNames.has(name))
    const issuedAt = Math.floor(now.wallMs / 1000)
    return {
      ID: id,
      Name: service,
      Address: host,
      Port: advertised.http ?? advertised.grpc ?? advertised.management ?? 0,
      Meta: {
        ...Object.fromEntries(named.map(([name, port]) => [name, String(port)])),
        profile: environment.profile,
        version: '1',
        [signatureName]: signRegistration(key, { service, id, host, ports: Object.fromEntries(named), issuedAt }),
      },
      Check: {
        CheckID: checkId,
        TTL: `${heartbeatLimits.ttlSeconds}s`,
        DeregisterCriticalServiceAfter: heartbeatLimits.deregisterAfter,
        Status: 'passing',
      },
    }
  }

  const put = async (path: string, body?: unknown) => {
    const answer = await consul.send('PUT', path, body === undefined ? {} : { body })
    if (answer.status !== 200) throw new Error(`discovery answered ${answer.status} to ${path}: ${answer.body}`)
  }

  /** Whether discovery has something else than was registered: whoever can write there can replace it. */
  const isReplaced = async (body: ReturnType<typeof registration>): Promise<boolean> => {
    const answer = await consul.send('GET', `/v1/agent/service/${encodeURIComponent(id)}`)
    if (answer.status !== 200) return false
    const {
      Service: name,
      Address: address,
      Meta: meta,
    } = answer.body as { Service?: string; Address?: string; Meta?: Record<string, string> | null }
    const same = (entry: [string, string]) => meta?.[entry[0]] === entry[1]
    return name !== service || address !== body.Address || !Object.entries(body.Meta).every(same)
  }

  const beat = async (ports: Record<string, number>, signal: AbortSignal, first: () => void) => {
    let registered: (SignedAt & { body: ReturnType<typeof registration>; checkedAt: number }) | undefined
    let failures = 0
    let before = false
    while (!signal.aborted) {
      try {
        const now = { wallMs: clock.now(), monotonicMs: clock.monotonic() }
        if (registered === undefined || isRenewalDue(registered, now)) {
          const body = registration(ports, now)
          await put('/v1/agent/service/register', body)
          if (registered === undefined)
            log.info({ ports }, before ? 'registered with discovery again' : 'registered with discovery')
          registered = { ...now, body, checkedAt: now.monotonicMs }
          before = true
          first()
        } else {
          const answer = await consul.send('PUT', `/v1/agent/check/pass/${encodeURIComponent(checkId)}`)
          compareClocks({ sentAt: now.wallMs, receivedAt: clock.now(), date: answer.date })
          // It restarted and forgot us: it has to be told everything again, now.
          if (answer.status !== 200) {
            registered = undefined
            continue
          }
          if (now.monotonicMs - registered.checkedAt >= registrationLimits.checkEveryMs) {
            registered.checkedAt = now.monotonicMs
            if (await isReplaced(registered.body)) {
              log.warn(
                { peerInstance: id },
                'somebody else changed the registration of this instance: registering again',
              )
              registered = undefined
              continue
            }
          }
        }
        failures = 0
        await clock.delay(heartbeatLimits.heartbeatMs, signal).catch(() => undefined)
      } catch (error) {
        failures++
        if (failures === 1) log.warn({ err: error }, 'discovery does not take the heartbeat')
        // Discovery may be away at start: the service runs, and is registered once it answers.
        first()
        await backOff(failures, signal)
      }
    }
  }

  return {
    register(ports) {
      if (heartbeat !== undefined) throw new Error('this instance is registered already')
      const stop = new AbortController()
      const { promise, resolve } = Promise.withResolvers<void>()
      const ended = beat(ports, stop.signal, resolve)
      heartbeat = { stop, ended }
      return Promise.race([promise, ended])
    },
    async deregister() {
      if (heartbeat === undefined) return
      const { stop, ended } = heartbeat
      heartbeat = undefined
      stop.abort()
      await ended
      await put(`/v1/agent/service/deregister/${encodeURIComponent(id)}`).catch((error) =>
        log.warn({ err: error }, 'could not deregister; the TTL will do it'),
      )
    },
  }
}
