/** The limit per user, then raised for all other scenarios: they ask more often than a person. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { settings as gatewaySettings } from '../../services/gateway/src/config.ts'
import { assertProblem } from './problems.ts'
import type { World } from './world.ts'

/** Meets the limit per user, then raises it for all other scenarios. */
export const requestLimitScenario = (world: () => World): void => {
  it('a user has 100 requests a minute, and others are not held up; an operator raises it without a restart', async () => {
    const w = world()
    const [busy, calm] = [await w.register('Hasty Hans'), await w.register('Calm Karl')]
    try {
      const answers = await Promise.all(Array.from({ length: 110 }, () => busy.ask('GET', '/users/me')))
      const refused = answers.filter((answer) => answer.status === 429)
      assert.equal(answers.filter((answer) => answer.status === 200).length, 100)
      assert.equal(refused.length, 10)
      assertProblem(refused[0]!, 'too_many_requests')
      assert.ok(Number(refused[0]!.headers['retry-after']) >= 1, JSON.stringify(refused[0]!.headers))
      assert.equal((await calm.ask('GET', '/users/me')).status, 200)
    } finally {
      await w.configure('gateway', {
        userRequestsPerMinute: 1_000_000,
        addressRequestsPerSecond: 1_000_000,
        routes: gatewaySettings.parse({}).routes.map(({ limit: _, ...route }) => route),
      })
    }
    assert.equal((await calm.ask('GET', '/users/me')).status, 200)
  })
}
