/** RabbitMQ as a Transport: AMQP 0-9-1 (docs/decisions/0089). */
import type { Core } from '../../core.ts'
import type { Transport, TransportTopic } from '../transport.ts'
import { RabbitConnection } from './connection.ts'
import { declareUntil } from './declare.ts'
import { joinRabbitGroup } from './group.ts'
import { RabbitSender } from './sender.ts'

/**
 * RabbitMQ as the kit's messaging needs it. Connects when it is first used.
 * @param topics those that are sent to or read, with their dead letters: a queue is found by its topic's partitions
 */
export function createRabbitTransport(core: Core, topics: readonly TransportTopic[]): Transport {
  // Apart: a server that takes nothing more stops the connections that send, and those that consume must go on.
  const sending = new RabbitConnection(core, 'sends')
  const consuming = new RabbitConnection(core, 'consumes')
  const known = new Map(topics.map((topic) => [topic.name, topic]))
  const sender = new RabbitSender(core.clock, sending, (topic) => known.get(topic)?.partitions)
  const lag = core.metrics.gauge('svyaz_consumer_lag', 'Records that wait for a consumer', [
    'group',
    'topic',
    'partition',
  ])
  return {
    system: 'rabbitmq',
    send: (records) => sender.send(records),
    consume: ({ group, topics: names, handle, alone = false }) =>
      joinRabbitGroup(core, consuming, {
        group,
        topics: names.map((name) => {
          const topic = known.get(name)
          if (!topic) throw new Error(`${name} is not a topic that this service reads`)
          return topic
        }),
        handle,
        alone,
        onLag: (topic, partition, value) => lag.set(value, { group, topic, partition }),
      }),
    ensureTopics: (wanted, signal) => declareUntil(core, sending, wanted, signal),
    async close() {
      await Promise.all([sending.close(), consuming.close()])
    },
  }
}
