/** A static group member as a process, to be killed: node member-process.ts BOOTSTRAP GROUP INSTANCE TOPIC. */
import { Consumer, stringDeserializers } from '@platformatic/kafka'

const [bootstrap = '', groupId = '', groupInstanceId = '', topic = ''] = process.argv.slice(2)
const consumer = new Consumer({
  clientId: groupInstanceId,
  groupId,
  groupInstanceId,
  bootstrapBrokers: [bootstrap],
  deserializers: stringDeserializers,
  sessionTimeout: 30_000,
  heartbeatInterval: 500,
  rebalanceTimeout: 30_000,
})
const report = () => {
  const partitions = (consumer.assignments ?? []).flatMap((assignment) => assignment.partitions)
  process.stdout.write(`${JSON.stringify({ generation: consumer.generationId, partitions })}\n`)
}
consumer.on('consumer:group:join', () => setImmediate(report))
await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: false })
report()
