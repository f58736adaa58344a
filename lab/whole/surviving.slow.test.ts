/**
 * What the everyday suite has no time for, in one system of its own: work shared among workers of whom one is killed,
 * subscribers that miss a publication, and parts that are away for long.
 */
import { after, before, describe } from 'node:test'
import { aftermathOfOutages, longOutageScenarios } from './long-outages.ts'
import { subscriberScenarios } from './subscribers.ts'
import { workSharingScenarios } from './work-sharing.ts'
import { World } from './world.ts'

let running: World | undefined
const world = (): World => {
  if (running === undefined) throw new Error('the system did not start')
  return running
}

describe('surviving', { timeout: 14 * 60_000 }, () => {
  before(
    async () => {
      running = await World.start()
      await running.configure('gateway', { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 })
    },
    { timeout: 180_000 },
  )
  after(() => running?.[Symbol.asyncDispose](), { timeout: 60_000 })

  subscriberScenarios(world)
  workSharingScenarios(world)
  longOutageScenarios(world)
  aftermathOfOutages(world)
})
