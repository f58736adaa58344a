/**
 * The mixed run on RabbitMQ (R1.9): every process killed -9 once while orders come in, the server among them. Nothing
 * accepted is lost and nothing happens twice. Skipped where it is not installed.
 */
import { test } from 'node:test'
import { RabbitTopics } from '@svyaz/observe/rabbit-topics.ts'
import { startTestRabbit, withoutRabbit } from '../../system/test/engines/rabbitmq.ts'
import { faultGroups } from './nemesis.ts'
import { rabbitCarrier } from './rabbit-carrier.ts'
import { holds } from './trial.ts'

test('every process is killed under 15 orders a second, and RabbitMQ too', {
  skip: withoutRabbit(),
  timeout: 900_000,
}, async (context) => {
  await using server = await startTestRabbit()
  // Before any service: a queue has no past.
  await using seen = await RabbitTopics.open(server.url)
  await holds(context, {
    seed: 20_261_127,
    faults: faultGroups.kills,
    pauseMs: 3_000,
    overlapping: true,
    ordersPerSecond: 15,
    users: 40,
    foreign: rabbitCarrier(server, seen),
  })
})
