/**
 * Every process killed −9 once while 30 orders a second come in, a kill every two seconds whether the last one is over or
 * not, and the processor losing answers meanwhile. Nothing accepted is lost and nothing happens twice.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { faultGroups } from './nemesis.ts'
import { createRandom } from './random.ts'
import { report } from './report.ts'
import { run } from './run.ts'

test('every process is killed under 30 orders a second', { timeout: 600_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'svyaz-mixed-'))
  const lines: string[] = []
  const seed = 20_261_122
  const random = createRandom(seed)
  const evidence = await run({
    seed,
    random,
    faults: random.shuffled(faultGroups.kills),
    calmMs: 3_000,
    pauseMs: 2_000,
    overlapping: true,
    ordersPerSecond: 30,
    users: 40,
    inFlightMin: 20,
    standstillMs: 30_000,
    quiesceMs: 400_000,
    out,
    say: (line) => lines.push(line),
  })
  const status = report(evidence, out, (line) => lines.push(line))
  assert.equal(status, 0, `${lines.join('\n')}\nhistory and evidence: ${out}`)
  rmSync(out, { recursive: true, force: true })
})
