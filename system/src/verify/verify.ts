/**
 * Runs the proofs of some rows: first, a few at a time, those that only look; then, one after the other, those that
 * stop, kill or reconfigure something.
 */
import type { Requirement } from '../../assignment.ts'
import { Outside, type Shared } from './outside.ts'
import { type Finding, NotRun, type Proof, type Verdict } from './proof.ts'
import { proofs } from './proofs.ts'

const lookingAtOnce = 3

// biome-ignore lint/suspicious/noExplicitAny: each row has evidence of its own type, which only its judge reads
const proofOf = (id: string): Proof<any> | undefined => (proofs as Record<string, Proof<any>>)[id]

/**
 * @param tell is called with each finding as it is there.
 * @returns the findings in the order of the rows.
 */
export async function verify(
  rows: readonly Requirement[],
  shared: Shared,
  tell: (finding: Finding) => void = () => {},
): Promise<Finding[]> {
  const findings = new Map<string, Finding>()
  const run = async (row: Requirement) => {
    const finding = await proveRow(row, new Outside(shared))
    findings.set(row.id, finding)
    tell(finding)
  }
  const waiting = rows.filter(({ id }) => proofOf(id)?.disturbs !== true)
  const worker = async () => {
    for (let row = waiting.shift(); row !== undefined; row = waiting.shift()) await run(row)
  }
  await Promise.all(Array.from({ length: lookingAtOnce }, worker))
  for (const row of rows) if (!findings.has(row.id)) await run(row)
  return rows.map(({ id }) => findings.get(id)!)
}

async function proveRow(row: Requirement, outside: Outside): Promise<Finding> {
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
  const one = proofOf(row.id)
  if (one === undefined) return finish('NOT RUN', [row.missing ?? 'not built yet: its proof'])
  try {
    const evidence = await one.gather(outside)
    return finish(...conclude(row, one.judge(evidence)), evidence)
  } catch (error) {
    if (error instanceof NotRun) return finish('NOT RUN', [error.message])
    return finish('FAIL', [error instanceof Error ? error.message : String(error)])
  }
}

/** A row of which a part is missing is no PASS, however well the rest stands. */
export function conclude(row: Pick<Requirement, 'missing'>, faults: readonly string[]): [Verdict, readonly string[]] {
  if (faults.length > 0) return ['FAIL', faults]
  return row.missing === undefined ? ['PASS', []] : ['NOT RUN', [`${row.missing}; the rest holds`]]
}

/** 0 all PASS, 1 any FAIL, 2 none failed but some did not run. */
export function exitCodeOf(findings: readonly Pick<Finding, 'verdict'>[]): 0 | 1 | 2 {
  if (findings.some(({ verdict }) => verdict === 'FAIL')) return 1
  return findings.every(({ verdict }) => verdict === 'PASS') ? 0 : 2
}
