/** Bytes of a message on the wire: what its sender and the broker say to each other, and with its receiver's part. */
import { Admin, Consumer } from '@platformatic/kafka'
import { countBytes } from './count-bytes.ts'
import { topic } from './shape.ts'
import { ways } from './ways.ts'

export interface Bytes {
  readonly sent: number
  readonly received: number
}

/** @param startBroker starts one that tells its clients to connect to `advertisedPort`; returns its own port */
export async function bytesOfMessage(
  startBroker: (advertisedPort: number) => Promise<number>,
  calls: number,
): Promise<{ message: Bytes; oneWay: Bytes }> {
  let brokerPort = 0
  await using counter = await countBytes(() => brokerPort)
  brokerPort = await startBroker(counter.port)
  const address = `127.0.0.1:${counter.port}`
  const admin = new Admin({ clientId: 'bench-admin', bootstrapBrokers: [address] })
  await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 })
  await admin.close()
  const { call, close } = await ways.message(address)
  /** A message's share of many, `after` each of which is awaited what belongs to it. */
  const share = async (after: () => Promise<void>): Promise<Bytes> => {
    const before = counter.counted()
    for (let n = 0; n < calls; n++) {
      await call(0n)
      await after()
    }
    const { sent, received } = counter.counted()
    return {
      sent: Math.round((sent - before.sent) / calls),
      received: Math.round((received - before.received) / calls),
    }
  }
  // The first makes the connections.
  await call(0n)
  const message = await share(async () => {})

  const consumer = new Consumer({
    clientId: 'bench-receiver',
    groupId: 'bench-receiver',
    bootstrapBrokers: [address],
    autocommit: false,
  })
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest', minBytes: 1, maxWaitTime: 5_000 })
  const records = stream[Symbol.asyncIterator]()
  const next = async () => void (await records.next())
  for (let n = 0; n <= calls; n++) await next()
  const oneWay = await share(next)
  await stream.close()
  await consumer.close(true)
  await close()
  return { message, oneWay }
}
