/**
 * The scenarios of whole.test.ts with the services on Apache Kafka (three nodes), Consul, PostgreSQL and MongoDB's protocol,
 * as `npm run start:engines` runs them; and one more, in which a Kafka node dies. Skipped where they are not installed.
 */
import { after, before, describe, test } from 'node:test'
import { accessScenarios } from './access-matrix.ts'
import { aftermathScenarios } from './aftermath.ts'
import { badInputScenarios } from './bad-input.ts'
import { changeScenarios } from './changes.ts'
import { startTestEngines, withoutEngines } from './engines.ts'
import { graphScenarios } from './graph.ts'
import { kafkaNodeScenario } from './kafka-node.ts'
import { orderScenarios } from './orders.ts'
import { outageScenarios } from './outages.ts'
import { processScenarios } from './processes.ts'
import { requestLimitScenario } from './request-limit.ts'
import { traceScenarios } from './traces.ts'
import { World } from './world.ts'

let running: World | undefined
const world = (): World => {
  if (running === undefined) throw new Error('the system did not start')
  return running
}

const missing = withoutEngines()
if (missing) test('the whole system on real engines', { skip: missing }, () => {})
else
  describe('the whole system on real engines', { timeout: 12 * 60_000 }, () => {
    before(
      async () => {
        running = await World.start(await startTestEngines())
      },
      { timeout: 240_000 },
    )
    after(() => running?.[Symbol.asyncDispose](), { timeout: 90_000 })

    requestLimitScenario(world)
    orderScenarios(world)
    badInputScenarios(world)
    accessScenarios(world)
    changeScenarios(world)
    graphScenarios(world)
    traceScenarios(world)
    kafkaNodeScenario(world)
    outageScenarios(world)
    aftermathScenarios(world)
    processScenarios(world)
  })
