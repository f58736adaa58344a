/** The suite of transports on the embedded broker; transport-engines.slow.test.ts runs it on Apache Kafka and RabbitMQ. */
import { createKafkaTransport } from '../src/messaging/kafka/transport.ts'
import { startTestBroker } from './engines.ts'
import { transportSuite } from './transport-suite.ts'

transportSuite('the embedded broker', async () => {
  const broker = await startTestBroker()
  return {
    open: (core) => {
      Object.assign(core, { environment: { ...core.environment, kafkaBrokers: [broker.address] } })
      return createKafkaTransport(core)
    },
    kill: broker.kill,
    start: broker.start,
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  }
})
