/**
 * The registry: (state, event, time) → (state, effects, reply), without I/O. Services and time are here, checks in
 * `checks.ts`, keys in `key-value.ts`. Nothing in it throws for what a caller sends; a refusal is a reply.
 *
 * Meaning of the events follows the Consul agent (HTTP API `/v1/agent/*`); where the documentation is silent, the answers
 * of Consul 1.21 recorded by the conformance suite decide. Deliberately absent: nodes other than this one, sessions,
 * ACLs, the service mesh.
 */
import { isDeepStrictEqual } from 'node:util'
import { freshLiveness, isProbed, probed, putCheck, removeCheck, report, setStatus, writeCheck } from './checks.ts'
import { mark } from './indexes.ts'
import { deleteKeys, putKey } from './key-value.ts'
import type { Limits } from './limits.ts'
import type { Effect, Event } from './registry-event.ts'
import { done, type Reply, refuse, tooMany, unknownCheck, unknownService } from './reply.ts'
import { type CheckRow, Draft, type State } from './state.ts'

export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
  readonly reply: Reply
}

/**
 * @param nowMs monotonic milliseconds
 * @returns the next state (the same object's tables where nothing changed), what must be done, and the answer
 */
export function step(state: State, event: Event, nowMs: number, limits: Limits): Step {
  const draft = new Draft(event.type === 'started' ? { ...state, index: state.index + event.indexGap } : state)
  const effects: Effect[] = []
  const reply = apply(draft, event, nowMs, limits, effects)
  const next = draft.finish()
  const store: Effect[] = draft.rows.length > 0 ? [{ kind: 'store', index: next.index, rows: draft.rows }] : []
  return { state: next, effects: [...store, ...effects], reply }
}

/** The moment at which a `tick` would change something, or null when no deadline is running. */
export function nextDeadlineMs(state: State): number | null {
  let earliest = Number.POSITIVE_INFINITY
  for (const [checkId, live] of state.live) {
    if (live.expiresAtMs !== null) earliest = Math.min(earliest, live.expiresAtMs)
    const afterMs = state.checks.get(checkId)?.deregisterAfterMs ?? null
    if (live.criticalSinceMs !== null && afterMs !== null) earliest = Math.min(earliest, live.criticalSinceMs + afterMs)
  }
  return Number.isFinite(earliest) ? earliest : null
}

function apply(draft: Draft, event: Event, nowMs: number, limits: Limits, effects: Effect[]): Reply {
  switch (event.type) {
    case 'register service':
      return registerService(draft, event, nowMs, limits, effects)
    case 'deregister service':
      if (!draft.services.has(event.serviceId)) return unknownService(event.serviceId)
      removeService(draft, event.serviceId, effects)
      return done
    case 'register check': {
      const { checkId, serviceId } = event.check
      if (serviceId !== '' && !draft.services.has(serviceId)) {
        return refuse('unknown service', `ServiceID "${serviceId}" does not exist`)
      }
      if (!draft.checks.has(checkId) && draft.checks.size >= limits.checksMax)
        return tooMany('checks', limits.checksMax)
      putCheck(draft, event.check, nowMs, effects)
      return done
    }
    case 'deregister check':
      if (!draft.checks.has(event.checkId)) return unknownCheck(event.checkId)
      removeCheck(draft, event.checkId, effects)
      return done
    case 'report':
      return report(draft, event.checkId, event.status, event.output, nowMs)
    case 'probed':
      probed(draft, event.checkId, event.status, event.output, nowMs)
      return done
    case 'maintenance':
      return maintain(draft, event.serviceId, event.enable, event.reason, nowMs, effects)
    case 'tick':
      tick(draft, nowMs, effects)
      return done
    case 'stalled':
      for (const checkId of draft.checks.keys()) {
        const { expiresAtMs, criticalSinceMs } = draft.liveness(checkId)
        draft.setLiveness(checkId, {
          expiresAtMs: expiresAtMs === null ? null : expiresAtMs + event.stalledMs,
          criticalSinceMs: criticalSinceMs === null ? null : criticalSinceMs + event.stalledMs,
        })
      }
      return done
    case 'started':
      restart(draft, nowMs, effects)
      return done
    case 'put key':
      return putKey(draft, event, limits)
    case 'delete keys':
      return deleteKeys(draft, event, limits)
  }
}

function registerService(
  draft: Draft,
  event: Event & { type: 'register service' },
  nowMs: number,
  limits: Limits,
  effects: Effect[],
): Reply {
  const { service } = event
  const before = draft.services.get(service.id)
  if (before === undefined && draft.services.size >= limits.servicesMax) return tooMany('services', limits.servicesMax)
  const added = event.checks.filter((check) => !draft.checks.has(check.checkId)).length
  if (draft.checks.size + added > limits.checksMax) return tooMany('checks', limits.checksMax)

  const row = { ...service, createIndex: before?.createIndex ?? draft.index, modifyIndex: draft.index }
  if (before === undefined || !isDeepStrictEqual({ ...row, modifyIndex: before.modifyIndex }, before)) {
    draft.write('services', service.id, row)
    draft.mark(mark.services)
    draft.mark(mark.service(service.name))
    if (before !== undefined && before.name !== service.name) leaveName(draft, before.name)
    if (before === undefined) effects.push(note('service registered', { service: service.name, id: service.id }))
  }
  if (event.replaceChecks) {
    const named = new Set(event.checks.map((check) => check.checkId))
    for (const check of checksOf(draft, service.id)) {
      if (!named.has(check.checkId)) removeCheck(draft, check.checkId, effects)
    }
  }
  for (const check of event.checks) putCheck(draft, check, nowMs, effects)
  // Checks carry the name and tags of their service: one that this registration does not name must follow them too.
  for (const check of checksOf(draft, service.id)) {
    if (check.serviceName !== service.name || !isDeepStrictEqual(check.serviceTags, service.tags)) {
      writeCheck(draft, { ...check, serviceName: service.name, serviceTags: service.tags })
    }
  }
  return done
}

function removeService(draft: Draft, serviceId: string, effects: Effect[]): void {
  const service = draft.services.get(serviceId)
  if (service === undefined) return
  for (const check of checksOf(draft, serviceId)) removeCheck(draft, check.checkId, effects)
  draft.write('services', serviceId, null)
  draft.mark(mark.services)
  draft.mark(mark.service(service.name))
  leaveName(draft, service.name)
  effects.push(note('service deregistered', { service: service.name, id: serviceId }))
}

/** When the last instance of a name is gone its own index goes too; its watchers are then woken by the extinction. */
function leaveName(draft: Draft, name: string): void {
  for (const service of draft.services.values()) {
    if (service.name !== name) continue
    draft.mark(mark.service(name))
    return
  }
  draft.write('marks', mark.service(name), null)
  draft.mark(mark.extinction)
}

/** Text of Consul for a maintenance without a reason. */
const noReason = 'Maintenance mode is enabled for this service, but no reason was provided. This is a default message.'

function maintain(
  draft: Draft,
  serviceId: string,
  enable: boolean,
  reason: string,
  nowMs: number,
  effects: Effect[],
): Reply {
  if (!draft.services.has(serviceId)) return unknownService(serviceId)
  const checkId = `_service_maintenance:${serviceId}`
  if (!enable) {
    removeCheck(draft, checkId, effects)
  } else if (!draft.checks.has(checkId)) {
    putCheck(
      draft,
      {
        checkId,
        name: 'Service Maintenance Mode',
        notes: reason === '' ? noReason : reason,
        serviceId,
        initialStatus: 'critical',
        probe: { kind: 'maintenance' },
        deregisterAfterMs: null,
        successBeforePassing: 0,
        failuresBeforeWarning: 0,
        failuresBeforeCritical: 0,
      },
      nowMs,
      effects,
    )
  }
  return done
}

function tick(draft: Draft, nowMs: number, effects: Effect[]): void {
  for (const check of [...draft.checks.values()]) {
    const { expiresAtMs } = draft.liveness(check.checkId)
    if (expiresAtMs === null || expiresAtMs > nowMs) continue
    draft.setLiveness(check.checkId, { expiresAtMs: null })
    const last = check.output === '' ? '' : ` (last output before timeout follows): ${check.output}`
    // A check that is critical already keeps its words: they say more than the expiry does.
    if (check.status !== 'critical') {
      setStatus(draft, check, 'critical', `TTL expired${last}`, nowMs)
      effects.push(note('time to live expired', { check: check.checkId, service: check.serviceName }))
    }
  }
  for (const check of [...draft.checks.values()]) {
    const { criticalSinceMs } = draft.liveness(check.checkId)
    if (check.deregisterAfterMs === null || check.serviceId === '' || criticalSinceMs === null) continue
    if (criticalSinceMs + check.deregisterAfterMs > nowMs) continue
    effects.push(note('service was critical for too long', { check: check.checkId, service: check.serviceName }))
    removeService(draft, check.serviceId, effects)
  }
}

/**
 * Every time to live and every reaper's count starts afresh, so that a restart makes nobody critical; every probe starts.
 * The floor lifts all indexes above whatever was answered before, stored or not, so that each watcher reads again.
 */
function restart(draft: Draft, nowMs: number, effects: Effect[]): void {
  draft.write('marks', mark.floor, draft.index)
  for (const check of draft.checks.values()) {
    draft.setLiveness(check.checkId, freshLiveness(check, nowMs))
    if (isProbed(check)) effects.push({ kind: 'probe', check })
  }
}

function checksOf(draft: Draft, serviceId: string): CheckRow[] {
  return [...draft.checks.values()].filter((check) => check.serviceId === serviceId)
}

function note(message: string, fields: Readonly<Record<string, unknown>>): Effect {
  return { kind: 'note', message, fields }
}
