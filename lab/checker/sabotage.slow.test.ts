/**
 * The checker is tested by breaking the rules that it watches: each sabotage, in a system of its own under load with a
 * kill at the place where it hurts, turns a named invariant red.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fault } from './nemesis.ts'
import { createRandom } from './random.ts'
import { run } from './run.ts'
import { checkRun } from './run-invariants.ts'

const crash = (target: string, point: string, pass: number): Fault => ({ kind: 'crash', target, point, pass })

const rows: readonly { sabotage: string; red: string; faults: readonly Fault[] }[] = [
  {
    sabotage: 'skip-inbox',
    red: 'X2',
    faults: [
      crash('notifications-1', 'consumer.after-effect', 9),
      crash('notifications-1', 'consumer.after-effect', 5),
    ],
  },
  {
    sabotage: 'commit-before-handler',
    red: 'K6',
    // Several: the regular commit of the record before may arrive later, and then the offset stands where it should.
    faults: [
      crash('inventory-1', 'consumer.before-handler', 5),
      crash('inventory-1', 'consumer.before-handler', 3),
      crash('delivery-1', 'consumer.before-handler', 4),
    ],
  },
  { sabotage: 'publish-before-commit', red: 'X2', faults: [crash('inventory-1', 'outbox.after-send', 4)] },
]

for (const [index, { sabotage, red, faults }] of rows.entries())
  test(`${sabotage} turns ${red} red`, { timeout: 300_000 }, async () => {
    const out = mkdtempSync(join(tmpdir(), 'svyaz-sabotage-'))
    try {
      const seed = index + 1
      const evidence = await run({
        seed,
        random: createRandom(seed),
        faults,
        calmMs: 3_000,
        pauseMs: 500,
        ordersPerSecond: 4,
        users: 10,
        inFlightMin: 5,
        standstillMs: 8_000,
        quiesceMs: 60_000,
        out,
        // Nobody else: config, say, would announce a change before it can be read, and users would never take it.
        sabotage: { rule: sabotage, services: new Set(faults.map(({ target }) => target.replace(/-\d+$/, ''))) },
        say: () => {},
      })
      assert.deepEqual(
        evidence.faults.map((fault) => fault.fired),
        faults.map(() => true),
        JSON.stringify(evidence.faults),
      )
      const ids = new Set(checkRun(evidence).map((violation) => violation.id))
      assert.ok(ids.has(red), `red were ${[...ids].join(', ')}`)
    } finally {
      rmSync(out, { recursive: true, force: true })
    }
  })
