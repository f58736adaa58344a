/**
 * What an operator sees of a RabbitMQ through AMQP: queues with what waits in them and how many consume, dead letters,
 * and what is sent while one looks on. What was handled is gone, so no topic has a past.
 */
import type { Channel, ConsumeMessage } from 'amqplib'
import type { GroupProgress, Inspector, TopicSummary } from '../kafka/inspect.ts'
import type { PartitionSpan, TopicReader } from '../kafka/reader.ts'
import type { ReadRecord } from '../kafka/records.ts'
import { isDeadLetterTopic } from '../topics.ts'
import type { IncomingRecord, TransportTopic } from '../transport.ts'
import type { RabbitConnection, RabbitContext } from './connection.ts'
import { toRecord } from './records.ts'
import { rabbitSettings, rabbitTimings } from './settings.ts'
import { queueName, rollName } from './topology.ts'

interface QueueFact {
  /** Ready to be handed out; what a consumer has and hasn't acknowledged isn't counted. */
  readonly waiting: number
  readonly consumers: number
}

/** AMQP 0-9-1's reply code for a queue that isn't there. */
const notFound = 404

/** Looks at a queue. @returns undefined when there is none of that name */
async function lookAt(connection: RabbitConnection, queue: string): Promise<QueueFact | undefined> {
  const channel = await openChannel(connection)
  try {
    const { messageCount, consumerCount } = await channel.checkQueue(queue)
    return { waiting: messageCount, consumers: consumerCount }
  } catch (error) {
    if ((error as { code?: unknown }).code === notFound) return undefined
    throw error
  } finally {
    await channel.close().catch(() => undefined)
  }
}

async function openChannel(connection: RabbitConnection): Promise<Channel> {
  const channel = await (await connection.open()).createChannel()
  channel.on('error', () => undefined)
  return channel
}

const places = (count: number): number[] => Array.from({ length: count }, (_, index) => index)

/**
 * Topics and groups of the contracts, as their queues show them.
 * @param topics with their groups, and their dead letters
 */
export function openRabbitInspector(connection: RabbitConnection, topics: readonly TransportTopic[]): Inspector {
  const known = new Map(topics.map((topic) => [topic.name, topic]))

  const progressOf = async (group: string, topic: TransportTopic): Promise<GroupProgress> => {
    const roll = await lookAt(connection, rollName(group))
    const queues = await Promise.all(
      places(topic.partitions).map((partition) => lookAt(connection, queueName(group, topic.name, partition))),
    )
    const present = queues.filter((queue) => queue !== undefined)
    return {
      group,
      state: present.length === 0 ? 'not there' : 'nobody',
      members: [],
      // One member has no need of a roll.
      memberCount: roll?.consumers || Math.max(0, ...present.map(({ consumers }) => consumers)),
      committed: new Map(),
      lag: BigInt(present.reduce((sum, { waiting }) => sum + waiting, 0)),
    }
  }

  return {
    topicNames: async () => [...known.keys()].sort(),
    async topics(names) {
      const wanted = names?.flatMap((name) => known.get(name) ?? []) ?? [...known.values()]
      const summaryOf = async (topic: TransportTopic): Promise<TopicSummary> => ({
        name: topic.name,
        partitions: await spansOf(connection, topic),
        kept: isDeadLetterTopic(topic.name),
        bytes: undefined,
        groups: await Promise.all((topic.groups ?? []).map((group) => progressOf(group, topic))),
      })
      return Promise.all(wanted.toSorted((a, b) => (a.name < b.name ? -1 : 1)).map(summaryOf))
    },
    // A queue has no positions.
    committed: async () => new Map(),
    reads: async (group, topic) => (await lookAt(connection, queueName(group, topic, 0))) !== undefined,
    close: () => connection.close(),
  }
}

/** Of a stream what it keeps; a topic keeps nothing. */
async function spansOf(connection: RabbitConnection, topic: TransportTopic): Promise<PartitionSpan[]> {
  if (!isDeadLetterTopic(topic.name))
    return places(topic.partitions).map((partition) => ({ partition, beginning: 0n, end: 0n }))
  const records = await readStream(connection, topic.name)
  const beginning = records[0]?.place?.offset ?? 0n
  return [{ partition: 0, beginning, end: beginning + BigInt(records.length) }]
}

/**
 * Every dead letter of a stream that was there at the call, the oldest first; none when there is no such stream. A stream
 * doesn't say where its end is: it is where nothing comes for a while, and not before its last portion has begun.
 *
 * @throws Error when the server is lost meanwhile
 */
export async function readStream(connection: RabbitConnection, stream: string): Promise<IncomingRecord[]> {
  if ((await lookAt(connection, stream)) === undefined) return []
  const channel = await openChannel(connection)
  const records: IncomingRecord[] = []
  const done = Promise.withResolvers<void>()
  channel.on('close', () => done.reject(new Error(`the channel that read ${stream} was closed`)))
  let lastPortion: bigint | undefined
  let patience: NodeJS.Timeout | undefined
  const wait = () => {
    clearTimeout(patience)
    patience = setTimeout(end, rabbitTimings.streamSilentMs)
  }
  const end = () => {
    const reached = records.at(-1)?.place?.offset ?? -1n
    if (lastPortion === undefined || reached >= lastPortion) done.resolve()
    else wait()
  }
  const from = (offset: 'first' | 'last', take: (message: ConsumeMessage) => void) =>
    channel.consume(
      stream,
      (message) => {
        if (!message) return
        take(message)
        channel.ack(message)
        wait()
      },
      { arguments: { 'x-stream-offset': offset } },
    )
  try {
    await channel.prefetch(rabbitSettings.prefetchMin)
    await from('last', (message) => {
      lastPortion ??= toRecord(stream, message).place?.offset
    })
    await from('first', (message) => records.push(toRecord(stream, message)))
    wait()
    await done.promise
  } finally {
    clearTimeout(patience)
    await channel.close().catch(() => undefined)
  }
  return records
}

/** Reads dead letters, and follows any topic from now on; nothing is taken from a group. */
export function openRabbitReader(
  { clock }: Pick<RabbitContext, 'clock'>,
  connection: RabbitConnection,
  topics: readonly TransportTopic[],
): TopicReader {
  return {
    async spans(name) {
      const topic = topics.find((one) => one.name === name)
      return topic && spansOf(connection, topic)
    },
    // A queue keeps no past that a time could lead to.
    firstAt: async () => new Map(),
    async *read(name, ranges) {
      const { from = 0n, until = 0n } = ranges.get(0) ?? {}
      if (!isDeadLetterTopic(name)) return
      for (const record of await readStream(connection, name)) {
        const { offset = 0n } = record.place ?? {}
        if (offset >= from && offset < until) yield readRecord(record, offset, clock.now())
      }
    },
    async *follow(name, _from, signal, trouble) {
      for (let failures = 0; !signal.aborted; failures++) {
        try {
          yield* followOnce(connection, name, clock.now, signal)
        } catch (error) {
          if (failures === 0) trouble?.(error)
          await clock.delay(rabbitTimings.closeMs, signal).catch(() => undefined)
        }
      }
    },
    close: () => connection.close(),
  }
}

/** By a queue of its own, which goes with the connection. @throws Error when the server is lost */
async function* followOnce(
  connection: RabbitConnection,
  name: string,
  now: () => number,
  signal: AbortSignal,
): AsyncGenerator<ReadRecord> {
  const channel = await openChannel(connection)
  const waiting: ReadRecord[] = []
  let wake = Promise.withResolvers<void>()
  let lost = false
  const stop = () => wake.resolve()
  channel.on('close', () => {
    lost = true
    wake.resolve()
  })
  signal.addEventListener('abort', stop)
  try {
    const { queue } = await channel.assertQueue('', { exclusive: true, autoDelete: true })
    await channel.bindQueue(queue, rabbitSettings.exchange, `${name}.*`)
    await channel.consume(
      queue,
      (message) => {
        if (!message) return
        const partition = Number(message.fields.routingKey.slice(name.length + 1))
        waiting.push(readRecord({ ...toRecord(name, message), place: { partition, offset: 0n } }, 0n, now()))
        wake.resolve()
      },
      { noAck: true },
    )
    while (!signal.aborted && !lost) {
      yield* waiting.splice(0)
      if (waiting.length > 0) continue
      await wake.promise
      wake = Promise.withResolvers<void>()
    }
  } finally {
    signal.removeEventListener('abort', stop)
    await channel.close().catch(() => undefined)
  }
  if (lost && !signal.aborted) throw new Error('the connection to RabbitMQ was lost')
}

/** @param at when nothing in it says when it was made, milliseconds since 1970 */
const readRecord = (record: IncomingRecord, offset: bigint, at: number): ReadRecord => ({
  record,
  offset,
  leaderEpoch: -1,
  timestampMs: Date.parse(record.headers.svyaz_failed_at ?? record.headers.ce_time ?? '') || at,
})
