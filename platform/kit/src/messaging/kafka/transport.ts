/** Kafka as a Transport: the one place that the rest of messaging meets it. */
import type { Core } from '../../core.ts'
import type { Transport } from '../transport.ts'
import { ensureTopics } from './admin.ts'
import { joinGroup } from './group.ts'
import { createProducer } from './producer.ts'

/** Kafka as the kit's messaging needs it: sending, and consuming by groups. */
export function createKafkaTransport(core: Core): Transport {
  const producer = createProducer(core)
  const lag = core.metrics.gauge('svyaz_consumer_lag', 'Records that wait for a consumer', [
    'group',
    'topic',
    'partition',
  ])
  return {
    system: 'kafka',
    send: producer.send,
    consume: (options) =>
      joinGroup(core, {
        ...options,
        onLag: (topic, partition, value) =>
          lag.set(value, { group: options.group, topic, partition: String(partition) }),
      }),
    ensureTopics: (topics, signal) => ensureTopics(core, topics, signal),
    close: producer.close,
  }
}
