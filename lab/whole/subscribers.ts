/** Publish/subscribe: each subscriber has its own group, so one that is away misses nothing and holds up nobody. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Person } from '@svyaz/observe/person.ts'
import { until } from '@svyaz/observe/until.ts'
import type { World } from './world.ts'

/** What each subscriber of `user.blocked` has in its own database once it has handled the event. */
const effects: Readonly<Record<string, string>> = {
  orders: 'SELECT 1 FROM user_standing WHERE user_id = $1 AND blocked',
  payments: 'SELECT 1 FROM user_standing WHERE user_id = $1 AND blocked',
  notifications: `SELECT 1 FROM frames WHERE user_id = $1 AND kind = 'user.blocked'`,
}
const subscribers = Object.keys(effects)

const hasHandled = async (w: World, subscriber: string, user: Person): Promise<boolean> =>
  (await w.databases.rows(subscriber, effects[subscriber]!, [user.id])).length > 0

/** Stops subscribers, lets events pass, and starts them again. */
export const subscriberScenarios = (world: () => World): void => {
  describe('subscribers of user.blocked', () => {
    for (const absent of subscribers)
      it(`${absent}, stopped during the publication, catches up; the others did not wait`, {
        timeout: 90_000,
      }, async () => {
        const w = world()
        const user = await w.register(`Basil Blocked ${absent}`)
        const before = await w.topics.progress(absent, 'users.events')
        await w.system.stop(absent)
        const answer = await w.admin.ask('POST', `/users/${user.id}/block`, { body: { reason: 'a test' } })
        assert.equal(answer.status, 200, JSON.stringify(answer.body))
        for (const present of subscribers.filter((name) => name !== absent))
          await until(`${present} to know`, () => hasHandled(w, present, user))
        assert.equal(await hasHandled(w, absent, user), false)
        const during = await w.topics.progress(absent, 'users.events')
        assert.ok(during.behind > 0, `the group ${absent} is behind: ${JSON.stringify(during)}`)

        await w.system.start(absent)
        await until(`${absent} to know`, () => hasHandled(w, absent, user))
        await until(`the group ${absent} to be at the end`, async () => {
          const { behind, committed } = await w.topics.progress(absent, 'users.events')
          return behind === 0 && committed > before.committed
        })
        await w.system.waitReady()
      })
  })
}
