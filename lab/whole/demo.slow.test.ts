/** `npm run demo`, which the README names among the first things to type: on a whole system, with its usual limits. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runSvyaz } from '../../cli/test/svyaz-process.ts'
import { startSystem } from '../../system/src/testing.ts'

test('the demo tells four orders to their end, within what a user may ask in a minute', {
  timeout: 240_000,
}, async () => {
  await using system = await startSystem({ readyTimeoutMs: 180_000 })
  const ran = await runSvyaz(system.home, ['demo'])
  assert.equal(ran.code, 0, `${ran.err}${ran.out}`)
  const stories = ran.out.split(/^\d\. /m).slice(1)
  assert.deepEqual(
    stories.map((story) => /mail sent: order\.(\w+)/.exec(story)?.[1]),
    ['completed', 'rejected', 'cancelled', 'completed'],
  )
})
