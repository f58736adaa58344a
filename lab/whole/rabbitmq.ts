/** RabbitMQ in the place of the embedded broker, started for one test; everything else is ours. */
import { RabbitTopics } from '@svyaz/observe/rabbit-topics.ts'
import { embeddedExcept } from '../../system/src/engines/addresses.ts'
import { startTestRabbit } from '../../system/test/engines/rabbitmq.ts'
import type { TestEngines } from './engines.ts'

/** A RabbitMQ with an observer of every event; `restart('broker')` kills it with -9. */
export async function startRabbitEngines(): Promise<TestEngines> {
  await using starting = new AsyncDisposableStack()
  const rabbit = starting.use(await startTestRabbit())
  // Before any service: a queue has no past.
  const events = starting.use(await RabbitTopics.open(rabbit.url))
  const running = starting.move()
  return {
    events,
    rabbit,
    engines: embeddedExcept({ rabbitmq: rabbit.url }),
    async restart(part) {
      if (part !== 'broker') return false
      await rabbit.kill()
      await rabbit.start()
      return true
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}
