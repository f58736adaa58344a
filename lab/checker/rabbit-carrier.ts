/**
 * RabbitMQ as the carrier of a run. A queue keeps nothing that was handled, so what is judged is what an observer beside the
 * groups saw: a place has no second reading, and a group is as far as its queue is empty. A message that a consumer has
 * and hasn't acknowledged counts as read; at rest there is none.
 */
import { topics } from '@svyaz/contracts'
import type { RabbitTopics } from '@svyaz/observe/rabbit-topics.ts'
import type { CommitFact } from '@svyaz/observe/snapshot.ts'
import { embeddedExcept } from '@svyaz/system/engines/addresses.ts'
import type { System } from '@svyaz/system/testing'
import type { Carrier, ForeignCarrier } from './carrier.ts'
import { consumers } from './consumers.ts'
import type { Steered } from './nemesis.ts'

/** A server that can be killed and started again. */
export interface KillableRabbit {
  readonly url: string
  /** 0 while there is none. */
  readonly pid: number
  kill(): Promise<void>
  start(): Promise<void>
}

interface Queue extends Pick<CommitFact, 'group' | 'topic' | 'partition'> {
  readonly name: string
}

/** The queue of each group for each partition of what it reads, as docs/messaging.md names them. */
const queues: readonly Queue[] = [
  ...new Map(consumers.map(({ group, topic }) => [`${group}/${topic}`, { group, topic }])).values(),
].flatMap(({ group, topic }) =>
  Array.from({ length: topics.find(({ name }) => name === topic)?.partitions ?? 1 }, (_, partition) => ({
    group,
    topic,
    partition,
    name: `${group}/${topic}/${partition}`,
  })),
)

/** How far each group is: all that was seen of a partition, less what waits in its queue. Pure. */
export function progressOf(
  seen: readonly { readonly topic: string; readonly partition: number }[],
  waiting: ReadonlyMap<string, number>,
): CommitFact[] {
  const ends = new Map<string, number>()
  for (const { topic, partition } of seen) {
    const place = `${topic}/${partition}`
    ends.set(place, (ends.get(place) ?? 0) + 1)
  }
  return queues.map(({ group, topic, partition, name }) => {
    const end = ends.get(`${topic}/${partition}`) ?? 0
    return { group, topic, partition, committed: Math.max(0, end - (waiting.get(name) ?? 0)), end }
  })
}

/** @param seen opened before the services start, and ended by whoever opened it */
export function rabbitCarrier(server: KillableRabbit, seen: RabbitTopics): ForeignCarrier {
  const carrier: Carrier = {
    get records() {
      return seen.records
    },
    changedPlaces: [],
    async unread() {
      await seen.catchUp()
      return []
    },
    readAgain: async () => undefined,
    async commits() {
      // In this order: what was seen after the queues were looked at may wait in them.
      await seen.catchUp()
      const before = [...seen.records]
      return progressOf(before, await seen.waiting(queues.map(({ name }) => name)))
    },
    write: (event) => seen.write(event),
    [Symbol.asyncDispose]: async () => undefined,
  }
  return {
    carrier,
    engines: embeddedExcept({ rabbitmq: server.url }),
    steer: (system, say) => steer(system, server, say),
  }
}

const broker = 'broker-1'

function steer(system: System, server: KillableRabbit, say: (line: string) => void): Steered {
  return {
    ...system,
    instances: () => [
      ...system.instances(),
      {
        name: broker,
        service: 'broker',
        status: server.pid === 0 ? 'starting' : 'ready',
        pid: server.pid === 0 ? undefined : server.pid,
        lastExit: undefined,
      },
    ],
    async kill(target) {
      if (target !== broker) return system.kill(target)
      await server.kill()
      // As a supervisor does; whoever waits looks at the instances.
      void server.start().catch((error: unknown) => say(`${broker} did not start again: ${String(error)}`))
    },
  }
}
