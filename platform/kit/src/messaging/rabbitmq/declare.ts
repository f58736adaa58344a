/** Makes exchange, queues and bindings. What is there is left as it is. */
import type { Channel } from 'amqplib'
import { backOffMs } from '../../database/back-off.ts'
import type { TransportTopic } from '../transport.ts'
import type { RabbitConnection, RabbitContext } from './connection.ts'
import { rabbitSettings } from './settings.ts'
import { type QueueRow, queuesOf } from './topology.ts'

/** Tries until everything is there or the signal says to stop. */
export async function declareUntil(
  context: RabbitContext,
  connection: RabbitConnection,
  topics: readonly TransportTopic[],
  signal: AbortSignal,
): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    try {
      const different = await declareTopics(connection, topics)
      if (different.length > 0)
        context.log.warn({ queues: different }, 'queues are there with other arguments, and stay')
      return
    } catch (error) {
      failures += 1
      if (failures === 1) context.log.warn({ error: String(error) }, 'waiting for RabbitMQ')
      await context.clock.delay(backOffMs(failures, 50, 1_000, context.random), signal).catch(() => undefined)
    }
  }
}

/**
 * @returns names of queues that are there with other arguments, which stay: they can't be changed, only deleted by hand
 * @throws Error when the server can't be reached or refuses
 */
export async function declareTopics(
  connection: RabbitConnection,
  topics: readonly TransportTopic[],
): Promise<readonly string[]> {
  const kind = await connection.queueKind()
  return declareQueues(
    connection,
    topics.flatMap((topic) => queuesOf(topic, kind)),
  )
}

/** The exchange, the queues and their bindings. */
export async function declareQueues(
  connection: RabbitConnection,
  rows: readonly QueueRow[],
): Promise<readonly string[]> {
  const different: string[] = []
  let channel = await openChannel(connection)
  try {
    await channel.assertExchange(rabbitSettings.exchange, 'topic', { durable: true })
    for (const row of rows) {
      try {
        await channel.assertQueue(row.name, { durable: true, arguments: { ...row.arguments } })
      } catch (error) {
        // The server has closed the channel with it.
        if ((error as { code?: unknown }).code !== preconditionFailed) throw error
        different.push(row.name)
        channel = await openChannel(connection)
      }
      await channel.bindQueue(row.name, rabbitSettings.exchange, row.pattern)
    }
  } finally {
    await channel.close().catch(() => undefined)
  }
  return different
}

/** AMQP 0-9-1's reply code of a declaration that differs from what is there. */
const preconditionFailed = 406

async function openChannel(connection: RabbitConnection): Promise<Channel> {
  const channel = await (await connection.open()).createChannel()
  channel.on('error', () => undefined)
  return channel
}
