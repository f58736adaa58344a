/**
 * The scenarios of whole.test.ts with RabbitMQ in the place of Kafka, the rest embedded, as `npm run start:engines` runs it
 * with SVYAZ_MESSAGES=rabbitmq; "the broker is restarted" kills it with -9. Skipped where RabbitMQ is not installed.
 */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { topics } from '@svyaz/contracts'
import { groupsOf } from '@svyaz/contracts/vocabulary.ts'
import { connect } from 'amqplib'
import { withoutRabbit } from '../../system/test/engines/rabbitmq.ts'
import { aftermathScenarios } from './aftermath.ts'
import { badInputScenarios } from './bad-input.ts'
import { changeScenarios } from './changes.ts'
import { graphScenarios } from './graph.ts'
import { orderScenarios } from './orders.ts'
import { outageScenarios } from './outages.ts'
import { processScenarios } from './processes.ts'
import { rabbitFlowScenarios } from './rabbit-flow.ts'
import { startRabbitEngines } from './rabbitmq.ts'
import { requestLimitScenario } from './request-limit.ts'
import { World } from './world.ts'

let running: World | undefined
const world = (): World => {
  if (running === undefined) throw new Error('the system did not start')
  return running
}

describe('the whole system on RabbitMQ', { skip: withoutRabbit(), timeout: 14 * 60_000 }, () => {
  before(
    async () => {
      running = await World.start(await startRabbitEngines())
    },
    { timeout: 240_000 },
  )
  after(() => running?.[Symbol.asyncDispose](), { timeout: 90_000 })

  it('no embedded broker runs, and every queue of every group is consumed', async () => {
    const w = world()
    assert.deepEqual(
      w.system.instances().filter(({ service }) => service === 'broker'),
      [],
    )
    const { rabbitmq = '' } = w.engines?.engines ?? {}
    const model = await connect(rabbitmq)
    const channel = await model.createChannel()
    const counted: Record<string, number> = {}
    for (const topic of topics)
      for (const group of groupsOf(topic))
        for (let partition = 0; partition < topic.partitions; partition++) {
          const queue = `${group}/${topic.name}/${partition}`
          counted[queue] = (await channel.checkQueue(queue)).consumerCount
        }
    await model.close()
    assert.ok(Object.keys(counted).length >= 80, `${Object.keys(counted).length} queues`)
    assert.deepEqual(
      Object.entries(counted).filter(([, consumers]) => consumers === 0),
      [],
    )
  })

  requestLimitScenario(world)
  orderScenarios(world)
  badInputScenarios(world)
  changeScenarios(world)
  graphScenarios(world)
  rabbitFlowScenarios(world)
  outageScenarios(world)
  aftermathScenarios(world)
  processScenarios(world)
})
