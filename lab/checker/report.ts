/** What a run says at its end: invariants, faults with their recovery times, and whether it proves anything. */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Evidence } from './evidence.ts'
import { checkRun, invariantIds } from './run-invariants.ts'
import { whyInvalid } from './validity.ts'

const breachesShownMax = 8

/**
 * Judges the evidence, writes `report.txt` beside it and says it; the last line is `N passed, M failed`.
 *
 * @returns the exit status: 0 holds, 1 broken, 2 proves nothing
 */
export function report(evidence: Evidence, out: string, say: (line: string) => void): number {
  const file = join(out, 'report.txt')
  writeFileSync(file, '')
  const tell = (line: string) => {
    appendFileSync(file, `${line}\n`)
    say(line)
  }
  const violations = checkRun(evidence)
  tell('')
  for (const { name, target, fired, ordersInFlight, recoveryMs, note } of evidence.faults) {
    const back = recoveryMs === undefined ? '' : `back after ${recoveryMs} ms`
    tell(
      `${fired ? '  ' : '! '}${target.padEnd(18)} ${name.padEnd(36)} ${String(ordersInFlight).padStart(4)} in flight  ${back} ${note ?? ''}`,
    )
  }
  tell('')
  const { snapshot, history, log, counters, load } = evidence
  tell(
    `${load.placed} orders placed in ${load.seconds.toFixed(0)} s: ${(load.placed / load.seconds).toFixed(1)} a second`,
  )
  tell(
    `${history.length} lines of history, ${snapshot.orders.length} orders, ${log.length} records; ${Object.entries(
      counters,
    )
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
  )
  tell(
    `orders by status: ${JSON.stringify(Object.fromEntries([...Map.groupBy(snapshot.orders, (order) => order.status)].map(([status, list]) => [status, list.length])))}`,
  )
  for (const id of invariantIds) {
    const found = violations.filter((violation) => violation.id === id)
    if (found.length === 0) continue
    tell(`✗ ${id}: ${found[0]!.promise}: ${found.length} breaches`)
    for (const violation of found.slice(0, breachesShownMax)) tell(`    ${violation.found}`)
  }
  const reasons = whyInvalid(evidence)
  for (const reason of reasons) tell(`? the run proves less than it should: ${reason}`)
  const failed = new Set(violations.map((violation) => violation.id)).size
  tell(`seed ${evidence.seed}: invariants ${invariantIds.join(' ')}`)
  tell(`${invariantIds.length - failed} passed, ${failed} failed`)
  if (failed > 0) return 1
  return reasons.length > 0 ? 2 : 0
}
