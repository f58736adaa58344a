/**
 * Runs the proofs of some rows: first, a few at a time, those that only look; then, one after the other, those that
 * stop, kill or reconfigure something; at last, with everything stopped, those that look at what is left. Asked to stop,
 * it begins no other, and those under way bring back what they broke.
 */
import type { Requirement } from './assignment.ts'
import { conclude, withCommand } from './conclude.ts'
import { Outside, type Shared } from './outside.ts'
import type { Finding, Proof, Verdict } from './proof.ts'
import { proofs } from './proofs.ts'
import { NotRun, type Step, Stopped } from './step.ts'

const lookingAtOnce = 3

// biome-ignore lint/suspicious/noExplicitAny: each row has evidence of its own type, which only its judge reads
type AnyProof = Proof<any>
type Proofs = Readonly<Record<string, AnyProof | undefined>>
const assignmentProofs: Proofs = proofs

export interface Telling {
  /** Called with each finding as it is there; not with rows that were never begun. */
  readonly tell?: (finding: Finding) => void
  /** Called with each step of a row as it is done. */
  readonly step?: (id: string, step: Step) => void
  /** Stops everything; absent where the system is not ours to stop. */
  readonly stop?: () => Promise<void>
  /** No further row begins once it aborts; those under way bring back what they broke. */
  readonly stopping?: AbortSignal
  /** By the row's id; those of the assignment when left out. */
  readonly proofs?: Proofs
}

/** @returns the findings in the order of the rows; NOT RUN of each that was not begun or cut short. */
export async function verify(
  rows: readonly Requirement[],
  shared: Shared,
  {
    tell = () => {},
    step = () => {},
    stop,
    stopping = new AbortController().signal,
    proofs = assignmentProofs,
  }: Telling = {},
): Promise<Finding[]> {
  const findings = new Map<string, Finding>()
  const later: (() => Promise<void>)[] = []
  const run = async (row: Requirement) => {
    const outside = new Outside(shared, (one) => step(row.id, one), stopping)
    const started = await proveRow(row, proofs[row.id], outside, stop !== undefined)
    const keep = (finding: Finding) => {
      findings.set(row.id, finding)
      tell(finding)
    }
    if (typeof started !== 'function') return keep(started)
    later.push(async () => keep(await started()))
  }
  const disturbs = ({ id }: Requirement) => proofs[id]?.disturbs === true
  const waiting = rows.filter((row) => !disturbs(row))
  const worker = async () => {
    for (let row = waiting.shift(); row !== undefined && !stopping.aborted; row = waiting.shift()) await run(row)
  }
  await Promise.all(Array.from({ length: lookingAtOnce }, worker))
  for (const row of rows.filter(disturbs)) if (!stopping.aborted) await run(row)
  if (later.length > 0 && !stopping.aborted) {
    await stop?.()
    for (const finish of later) await finish()
  }
  return rows.map((row) => findings.get(row.id) ?? notBegun(row))
}

/** What is said of a row whose proof was never begun. */
export const notBegun = ({ id, what }: Requirement): Finding => ({
  id,
  what,
  verdict: 'NOT RUN',
  reasons: ['stopped before it was begun'],
  steps: [],
  tookMs: 0,
  stopped: true,
})

/** @returns the finding, or what gives it once everything is stopped. */
async function proveRow(
  row: Requirement,
  one: AnyProof | undefined,
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
      const done = await act()
      // A proof may take a step that led no further for one that failed, and go on.
      return outside.wasStopped ? cutShort(finish) : done
    } catch (error) {
      if (outside.wasStopped || error instanceof Stopped) return cutShort(finish, error)
      if (error instanceof NotRun) return finish('NOT RUN', [error.message])
      return finish('FAIL', [error instanceof Error ? error.message : String(error)])
    }
  }
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

/** @param error what came of bringing things back, when it isn't `Stopped` itself */
function cutShort(finish: (verdict: Verdict, reasons: readonly string[]) => Finding, error?: unknown): Finding {
  const { message } = new Stopped()
  const reasons =
    error === undefined || error instanceof Stopped
      ? [`${message}; what it had broken is brought back`]
      : [`${message}, and bringing back what it had broken failed: ${String(error)}`]
  return { ...finish('NOT RUN', reasons), stopped: true }
}

/** 0 all PASS, 1 any FAIL, 2 none failed but some did not run. */
export function exitCodeOf(findings: readonly Pick<Finding, 'verdict'>[]): 0 | 1 | 2 {
  if (findings.some(({ verdict }) => verdict === 'FAIL')) return 1
  return findings.every(({ verdict }) => verdict === 'PASS') ? 0 : 2
}
