/** Half a minute of what `npm run campaign` does for ten: no process ends, nothing accepted is lost, readers are served. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aboutRun } from '../about-run.ts'
import { createRandom } from '../random.ts'
import { campaign } from './campaign.ts'
import { faultsIn } from './verdict.ts'

test('half a minute of every attack at once is borne', { timeout: 600_000 }, async (context) => {
  const seed = Math.floor(Math.random() * 1e9)
  const record = await campaign({
    about: aboutRun('npm run test:all'),
    seed,
    random: createRandom(seed),
    minutes: 0.5,
    calmMs: 5_000,
    restMs: 30_000,
    say: (line) => context.diagnostic(line),
  })
  assert.deepEqual(faultsIn(record), [], `seed ${seed}\n${JSON.stringify(record, undefined, 1)}`)
})
