/** `npm run load -- smoke`, short, with a kill: the page has everything, and what was offered was begun. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pageOf } from './page.ts'
import { profiles } from './profiles.ts'
import { runLoad } from './run.ts'

test('users are served while a process is killed, and the page shows all of it', { timeout: 300_000 }, async () => {
  const record = await runLoad({
    name: 'smoke',
    phases: profiles.smoke.phases(3, 0.4),
    seed: 7,
    kill: 'payments-1',
    command: 'npm test',
    say: () => undefined,
  })
  assert.notEqual(record.kill?.backMs, null)
  assert.equal(
    record.steps
      .filter(({ step }) => ['products', 'order', 'order, paid now'].includes(step))
      .reduce((sum, { count }) => sum + count, 0),
    72,
    'each journey begins with one of these',
  )
  assert.deepEqual(
    record.steps.filter(({ errors }) => errors > 0).map(({ step, errorsBy }) => [step, errorsBy]),
    [],
  )
  assert.ok(record.levels.length > 10 && record.cpu.length > 5 && record.memory.length > 5)
  const page = pageOf(record)
  for (const part of ['## Phases', '## Requests over time', '## By step', '## Service levels', 'payments-1 was killed'])
    assert.ok(page.includes(part), part)
})
