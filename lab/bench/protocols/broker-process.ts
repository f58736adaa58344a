/** The embedded broker in a process of its own, with the durability that the system runs it with. */
import { startBroker } from '@svyaz/broker'

const broker = await startBroker({
  directory: process.argv[2] ?? '',
  port: 0,
  durability: 'sync',
  defaultPartitions: 1,
})
process.on('message', (message) => {
  if (message === 'stop') void broker[Symbol.asyncDispose]().then(() => process.exit(0))
  else process.send?.({ cpu: process.cpuUsage() })
})
process.send?.({ port: broker.port })
