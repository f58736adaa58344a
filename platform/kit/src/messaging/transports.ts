/** Which transport carries the events: the one place that knows them all. Only that one's client is loaded. */
import type { Core } from '../core.ts'
import type { Transport, TransportTopic } from './transport.ts'

/** @param topics that the service writes and reads, with their dead letters */
export async function openTransport(core: Core, topics: readonly TransportTopic[]): Promise<Transport> {
  if (core.environment.messages === 'rabbitmq') {
    const { createRabbitTransport } = await import('./rabbitmq/transport.ts')
    return createRabbitTransport(core, topics)
  }
  const { createKafkaTransport } = await import('./kafka/transport.ts')
  return createKafkaTransport(core)
}
