/**
 * A short run of the whole thing: kills of the processes that matter most for an order, one kill at a crash point in each
 * of four of them, a provider that loses its answers, and poison. Everything must hold, and every fault must have fired.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Fault } from './nemesis.ts'
import { createRandom } from './random.ts'
import { report } from './report.ts'
import { run } from './run.ts'

const faults: readonly Fault[] = [
  { kind: 'kill', target: 'orders-1' },
  { kind: 'kill', target: 'broker-1' },
  { kind: 'crash', target: 'payments-1', point: 'payments.after-charge', pass: 2 },
  { kind: 'kill', target: 'postgres-1' },
  { kind: 'poison', target: 'payments.tasks', type: 'payment.charge', id: 'poison-task' },
  { kind: 'crash', target: 'notifications-1', point: 'consumer.after-effect', pass: 9 },
  { kind: 'kill', target: 'discovery-1' },
  { kind: 'crash', target: 'inventory-1', point: 'outbox.after-send', pass: 3 },
  {
    kind: 'processor',
    target: 'payment-processor',
    fault: { mode: 'error500', probability: 0.7, when: 'after' },
    forMs: 4_000,
  },
  { kind: 'crash', target: 'orders-1', point: 'orders.after-process-payment', pass: 2 },
  { kind: 'kill', target: 'gateway-1' },
]

test('kills under load: nothing accepted is lost, nothing happens twice', { timeout: 360_000 }, async () => {
  const out = mkdtempSync(join(tmpdir(), 'svyaz-kills-'))
  const lines: string[] = []
  const seed = 20_261_121
  const evidence = await run({
    seed,
    random: createRandom(seed),
    faults,
    calmMs: 3_000,
    pauseMs: 1_000,
    ordersPerSecond: 6,
    users: 20,
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
