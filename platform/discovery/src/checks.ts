/** Checks of the registry: registration, verdicts, liveness. Pure, as `registry.ts`, whose steps call these. */
import { isDeepStrictEqual } from 'node:util'
import { mark } from './indexes.ts'
import type { Effect } from './registry-event.ts'
import { done, type Reply, refuse, unknownCheck } from './reply.ts'
import type { CheckDefinition, CheckRow, CheckStatus, Draft, Liveness } from './state.ts'

/** A check that is registered again keeps its verdict and gets a fresh time to live. */
export function putCheck(draft: Draft, definition: CheckDefinition, nowMs: number, effects: Effect[]): void {
  const before = draft.checks.get(definition.checkId)
  const service = draft.services.get(definition.serviceId)
  const check: CheckRow = {
    ...definition,
    status: before?.status ?? definition.initialStatus,
    output: before?.output ?? '',
    serviceName: service?.name ?? '',
    serviceTags: service?.tags ?? [],
    createIndex: before?.createIndex ?? draft.index,
    modifyIndex: before?.modifyIndex ?? draft.index,
  }
  if (before === undefined || !isDeepStrictEqual(check, before)) writeCheck(draft, check)
  draft.setLiveness(definition.checkId, {
    ...freshLiveness(check, nowMs),
    // The reaper counts from the first moment of being critical, however often the instance registers.
    ...(before !== undefined && check.status === 'critical'
      ? { criticalSinceMs: draft.liveness(definition.checkId).criticalSinceMs ?? nowMs }
      : {}),
  })
  if (before !== undefined && isDeepStrictEqual(before.probe, check.probe)) return
  if (before !== undefined && isProbed(before)) effects.push({ kind: 'stop probe', checkId: check.checkId })
  if (isProbed(check)) effects.push({ kind: 'probe', check })
}

/** Stores a check in the draft and moves the indexes that blocking queries wait for. */
export function writeCheck(draft: Draft, check: CheckRow): void {
  draft.write('checks', check.checkId, { ...check, modifyIndex: draft.index })
  markCheck(draft, check)
}

function markCheck(draft: Draft, check: CheckRow): void {
  draft.mark(mark.checks)
  draft.mark(check.serviceId === '' ? mark.nodeChecks : mark.service(check.serviceName))
}

/** Takes a check out of the draft; its probe ends. Does nothing when there is no such check. */
export function removeCheck(draft: Draft, checkId: string, effects: Effect[]): void {
  const check = draft.checks.get(checkId)
  if (check === undefined) return
  draft.write('checks', checkId, null)
  draft.setLiveness(checkId, null)
  markCheck(draft, check)
  if (isProbed(check)) effects.push({ kind: 'stop probe', checkId })
}

/**
 * A report of a TTL check's owner.
 * @returns a refusal for an unknown check, or one that is not a TTL check
 */
export function report(draft: Draft, checkId: string, status: CheckStatus, output: string, nowMs: number): Reply {
  const check = draft.checks.get(checkId)
  if (check === undefined) return unknownCheck(checkId)
  if (check.probe.kind !== 'ttl') return refuse('not a TTL check', `CheckID "${checkId}" does not have associated TTL`)
  draft.setLiveness(checkId, { expiresAtMs: nowMs + check.probe.ttlMs })
  setStatus(draft, check, status, output, nowMs)
  return done
}

/** Verdicts of a probe count only after as many in a row as the check asks for. */
export function probed(draft: Draft, checkId: string, status: CheckStatus, output: string, nowMs: number): void {
  const check = draft.checks.get(checkId)
  if (check === undefined) return
  const { successes, failures } = draft.liveness(checkId)
  if (status !== 'critical') {
    draft.setLiveness(checkId, { successes: successes + 1, failures: 0 })
    const settled = successes + 1 > check.successBeforePassing || check.status === status
    setStatus(draft, check, settled ? status : check.status, output, nowMs)
    return
  }
  draft.setLiveness(checkId, { successes: 0, failures: failures + 1 })
  const inARow = failures + 1
  const verdict =
    inARow > check.failuresBeforeCritical
      ? 'critical'
      : inARow > check.failuresBeforeWarning && check.status === 'passing'
        ? 'warning'
        : check.status
  setStatus(draft, check, verdict, output, nowMs)
}

/** Output that changes while the status stays is shown, but moves no index and is not stored: nobody waits for it. */
export function setStatus(draft: Draft, check: CheckRow, status: CheckStatus, output: string, nowMs: number): void {
  if (status !== check.status) {
    draft.setLiveness(check.checkId, { criticalSinceMs: status === 'critical' ? nowMs : null })
    writeCheck(draft, { ...check, status, output })
  } else if (output !== check.output) {
    draft.writeUnstored('checks', check.checkId, { ...check, output })
  }
}

/**
 * When a check that was heard of now expires, and what is counted of it.
 * @param nowMs wall clock
 */
export function freshLiveness(check: CheckRow, nowMs: number): Liveness {
  return {
    expiresAtMs: check.probe.kind === 'ttl' ? nowMs + check.probe.ttlMs : null,
    criticalSinceMs: check.status === 'critical' ? nowMs : null,
    successes: 0,
    failures: 0,
  }
}

/** Whether this server asks for the check's state itself, rather than being told. */
export function isProbed(check: CheckRow): boolean {
  return check.probe.kind === 'http' || check.probe.kind === 'tcp'
}
