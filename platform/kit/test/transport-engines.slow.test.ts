/** The suite of transports on Apache Kafka, one node, and on RabbitMQ. Skipped where they aren't installed. */
import { startTestKafka, withoutKafka } from '../../../system/test/engines/kafka.ts'
import { startTestRabbit, withoutRabbit } from '../../../system/test/engines/rabbitmq.ts'
import { createKafkaTransport } from '../src/messaging/kafka/transport.ts'
import { createRabbitTransport } from '../src/messaging/rabbitmq/transport.ts'
import { transportSuite } from './transport-suite.ts'

transportSuite(
  'RabbitMQ',
  async () => {
    const rabbit = await startTestRabbit()
    return {
      open: (core, topics) => {
        Object.assign(core, { environment: { ...core.environment, rabbitmqUrl: rabbit.url } })
        return createRabbitTransport(core, topics)
      },
      kill: rabbit.kill,
      stop: rabbit.stop,
      start: rabbit.start,
      [Symbol.asyncDispose]: () => rabbit[Symbol.asyncDispose](),
    }
  },
  withoutRabbit(),
)

transportSuite(
  'Apache Kafka',
  async () => {
    const kafka = await startTestKafka(1)
    return {
      open: (core) => {
        Object.assign(core, { environment: { ...core.environment, kafkaBrokers: kafka.brokers } })
        return createKafkaTransport(core)
      },
      kill: () => kafka.kill(1),
      start: () => kafka.start(1),
      [Symbol.asyncDispose]: () => kafka[Symbol.asyncDispose](),
    }
  },
  withoutKafka(),
)
