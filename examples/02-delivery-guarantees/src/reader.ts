/** What the three programs share: their command line, and the records of a topic from the group's committed offset on. */
import {
  Consumer,
  type Message,
  MessagesStreamFallbackModes,
  MessagesStreamModes,
  stringDeserializers,
} from '@platformatic/kafka'

/** `node src/<program>.ts <broker> <topic> <file> <records> [<die at>]` */
const [broker = '', topic = '', file = '', records = '0', dieAt = ''] = process.argv.slice(2)

/** Where the effects go. */
export const effectsFile = file

/** As kill −9 would, at the moment that matters: nothing is flushed, nothing is closed. */
export function maybeDie(payment: string): void {
  if (payment === dieAt) process.kill(process.pid, 'SIGKILL')
}

export type Payment = Message<string, string, string, string>

/** Calls `handle` with each record until the topic's last one was handled; what is committed, and when, is up to it. */
export async function readPayments(handle: (record: Payment) => Promise<void>): Promise<void> {
  const consumer = new Consumer({
    clientId: 'guarantees',
    groupId: `guarantees-${file}`,
    // The same member comes back: it need not wait until the group gives up on the dead one (KIP-345).
    groupInstanceId: 'reader',
    bootstrapBrokers: [broker],
    deserializers: stringDeserializers,
    autocommit: false,
  })
  const stream = await consumer.consume({
    topics: [topic],
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    maxWaitTime: 100,
  })
  for await (const record of stream) {
    await handle(record)
    if (record.offset === BigInt(records) - 1n) break
  }
  await consumer.close(true)
}
