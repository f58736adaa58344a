/**
 * One kill at each crash point of the list, in a process that passes it under load; then a worker stopped beyond its lease,
 * services scaled up and down, and poison. Every fault must visibly have fired, and everything must hold.
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

test('a kill at every crash point, a stale worker, other numbers of instances, poison', {
  timeout: 900_000,
}, async () => {
  const out = mkdtempSync(join(tmpdir(), 'svyaz-sweep-'))
  const lines: string[] = []
  const seed = 20_261_123
  const random = createRandom(seed)
  const { crashes, pauses, scales, poison } = faultGroups
  const evidence = await run({
    seed,
    random,
    faults: random.shuffled([...crashes, ...pauses, ...scales, ...poison]),
    calmMs: 3_000,
    pauseMs: 500,
    ordersPerSecond: 6,
    users: 30,
    inFlightMin: 20,
    standstillMs: 30_000,
    quiesceMs: 240_000,
    out,
    say: (line) => lines.push(line),
  })
  const status = report(evidence, out, (line) => lines.push(line))
  assert.equal(status, 0, `${lines.join('\n')}\nhistory and evidence: ${out}`)
  rmSync(out, { recursive: true, force: true })
})
