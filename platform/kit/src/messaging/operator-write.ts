/** A record that an operator writes: an event of a topic's contract, checked before it is sent as a service would send it. */
import type { Topic } from '@svyaz/contracts/vocabulary.ts'
import { encodeEvent } from './cloud-events.ts'
import type { OutgoingRecord, Place } from './transport.ts'

export interface RecordWish {
  readonly topic: string
  /** One of the topic's events, e.g. `order.created`. */
  readonly type: string
  readonly key: string
  /** JSON, as text. */
  readonly value: string
}

export interface WrittenRecord {
  /** Of the event. */
  readonly id: string
  /** Where it is, if the transport has such places. */
  readonly place: Place | undefined
}

/** What is wrong with a wish, a sentence each. */
export class WriteRefused extends Error {
  override name = 'WriteRefused'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(faults.join('; '))
    this.faults = faults
  }
}

/** Whoever follows the topic sees that no service wrote it. */
const source = '/operator'
const faultsMax = 20
const keyCharactersMax = 500

export interface RecordWriter {
  /** The events of a topic, and what its key is; undefined where no contract has the topic. */
  allowed(topic: string): { readonly types: readonly string[]; readonly key: string } | undefined
  /** @throws WriteRefused as {@link recordOf} */
  check(wish: RecordWish): void
  /** @throws WriteRefused as {@link recordOf}; whatever the transport throws */
  write(wish: RecordWish): Promise<WrittenRecord>
}

/** Writes by the transport's `send`; ids and times are those of new events. */
export const recordWriter = (
  topics: readonly Topic[],
  send: (records: readonly OutgoingRecord[]) => Promise<readonly (Place | undefined)[]>,
  fresh: () => { readonly id: string; readonly time: string },
): RecordWriter => ({
  allowed(name) {
    const topic = topics.find((one) => one.name === name)
    return topic && { types: Object.keys(topic.events), key: topic.key }
  },
  check: (wish) => void recordOf(topics, wish, fresh()),
  async write(wish) {
    const made = fresh()
    const [place] = await send([recordOf(topics, wish, made)])
    return { id: made.id, place }
  },
})

/**
 * The record of an event. Pure.
 * @throws WriteRefused for a topic or type that no contract has, a key that can't be one, a value that breaks the schema
 */
export function recordOf(
  topics: readonly Topic[],
  { topic: name, type, key, value }: RecordWish,
  { id, time }: { readonly id: string; readonly time: string },
): OutgoingRecord {
  const topic = topics.find((one) => one.name === name)
  if (topic === undefined)
    throw new WriteRefused([
      `no contract has the topic "${name}": there are ${topics.map((one) => one.name).join(', ')}`,
    ])
  const schema = topic.events[type]
  if (schema === undefined)
    throw new WriteRefused([`${name} has no event "${type}": there are ${Object.keys(topic.events).join(', ')}`])
  if (key === '' || key.length > keyCharactersMax)
    throw new WriteRefused([`the key (${topic.key}) has 1 to ${keyCharactersMax} characters`])
  let data: unknown
  try {
    data = JSON.parse(value)
  } catch (error) {
    throw new WriteRefused([`the value is not JSON: ${(error as Error).message}`])
  }
  const read = schema.safeParse(data)
  if (!read.success)
    throw new WriteRefused(
      read.error.issues.slice(0, faultsMax).map(({ path, message }) => `${path.join('.') || 'value'}: ${message}`),
    )
  return encodeEvent({ id, topic: name, type, key, subject: key, time, data } as never, source, undefined)
}
