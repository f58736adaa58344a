/**
 * Runs the proofs of some rows: first, a few at a time, those that only look; then, one after the other, those that
 * stop, kill or reconfigure something; at last, with everything stopped, those that look at what is left.
 */
import type { Requirement } from './assignment.ts'
import { conclude, withCommand } from './conclude.ts'
import { Outside, type Shared } from './outside.ts'
import type { Finding, Proof, Verdict } from './proof.ts'
import { proofs } from './proofs.ts'
import { NotRun, type Step } from './step.ts'

const lookingAtOnce = 3

// biome-ignore lint/suspicious/noExplicitAny: each row has evidence of its own type, which only its judge reads
const proofOf = (id: string): Proof<any> | undefined => (proofs as Record<string, Proof<any>>)[id]

export interface Telling {
  /** Called with each finding as it is there. */
  readonly tell?: (finding: Finding) => void
  /** Called with each step of a row as it is done. */
  readonly step?: (id: string, step: Step) => void
  /** Stops everything; absent where the system is not ours to stop. */
  readonly stop?: () => Promise<void>
}

/** @returns the findings in the order of the rows. */
export async function verify(
  rows: readonly Requirement[],
  shared: Shared,
  { tell = () => {}, step = () => {}, stop }: Telling = {},
): Promise<Finding[]> {
  const findings = new Map<string, Finding>()
  const later: (() => Promise<void>)[] = []
  const run = async (row: Requirement) => {
    const started = await proveRow(row, new Outside(shared, (one) => step(row.id, one)), stop !== undefined)
    const keep = (finding: Finding) => {
      findings.set(row.id, finding)
      tell(finding)
    }
    if (typeof started !== 'function') return keep(started)
    later.push(async () => keep(await started()))
  }
  const waiting = rows.filter(({ id }) => proofOf(id)?.disturbs !== true)
  const worker = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) await run(row)
  }
  await Promise.all(Array.from({ length: lookingAtOnce }, worker))
  for (const row of rows) if (proofOf(row.id)?.disturbs === true) await run(row)
  if (later.length > 0) await stop?.()
  for (const finish of later) await finish()
  return rows.map(({ id }) => findings.get(id)!)
}

/** @returns the finding, or what gives it once everything is stopped. */
async function proveRow(
  row: Requirement,
  outside: Outside,
  willStop: boolean,
): Promise<Finding | (() => Promise<Finding>)> {
  const startedAt = performance.now()
  const finish = (verdict: Verdict, reasons: readonly string[], evidence?: unknown): Finding => ({
    id: row.id,
    what: row.what,
    verdict,
    reasons,
    steps: outside.steps,
    tookMs: Math.round(performance.now() - startedAt),
    ...(evidence === undefined ? {} : { evidence }),
  })
  const guarded = async <T>(act: () => Promise<T>): Promise<T | Finding> => {
    try {
      return await act()
    } catch (error) {
      if (error instanceof NotRun) return finish('NOT RUN', [error.message])
      return finish('FAIL', [error instanceof Error ? error.message : String(error)])
    }
  }
  const one = proofOf(row.id)
  if (one === undefined) return finish('NOT RUN', [withCommand(row, row.missing ?? 'not built yet: its proof')])
  const concluded = (evidence: unknown): Finding => finish(...conclude(row, one.judge(evidence)), evidence)
  const { afterwards } = one
  return guarded(async () => {
    if (afterwards === undefined) return concluded(await one.gather(outside))
    if (!willStop) throw new NotRun('the system was running before and is not stopped for this: `npx svyaz down` first')
    const evidence = await one.gather(outside)
    return () => guarded(async () => concluded(await afterwards(outside, evidence)))
  })
}

/** 0 all PASS, 1 any FAIL, 2 none failed but some did not run. */
export function exitCodeOf(findings: readonly Pick<Finding, 'verdict'>[]): 0 | 1 | 2 {
  if (findings.some(({ verdict }) => verdict === 'FAIL')) return 1
  return findings.every(({ verdict }) => verdict === 'PASS') ? 0 : 2
}
