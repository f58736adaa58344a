/** A run as a test: it must be valid and every invariant must hold; what it left stays when it doesn't. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Fault } from './nemesis.ts'
import { createRandom } from './random.ts'
import { report } from './report.ts'
import { type RunOptions, run } from './run.ts'

export type Trial = Pick<RunOptions, 'seed' | 'pauseMs' | 'ordersPerSecond' | 'users' | 'overlapping' | 'foreign'> & {
  /** Injected in an order that the seed decides. */
  readonly faults: readonly Fault[]
}

/** @throws AssertionError with all that the run said, and where its history and evidence lie */
export async function holds(context: TestContext, trial: Trial): Promise<void> {
  const out = mkdtempSync(join(tmpdir(), 'svyaz-checker-'))
  const lines: string[] = []
  const say = (line: string): void => {
    lines.push(line)
    context.diagnostic(line)
  }
  const random = createRandom(trial.seed)
  const evidence = await run({
    ...trial,
    random,
    faults: random.shuffled(trial.faults),
    calmMs: 3_000,
    inFlightMin: 20,
    standstillMs: 30_000,
    quiesceMs: 400_000,
    out,
    say,
  })
  const status = report(evidence, out, say)
  assert.equal(status, 0, `${lines.join('\n')}\nhistory and evidence: ${out}`)
  rmSync(out, { recursive: true, force: true })
}
