/**
 * The embedded broker in a process of its own, with the durability that the system runs it with. Its arguments: folder,
 * and the port that clients are told to connect to where that is a proxy's.
 */
import { startBroker } from '@svyaz/broker'

const [directory = '', advertisedPort] = process.argv.slice(2)
const broker = await startBroker({
  directory,
  ...(advertisedPort === undefined ? {} : { advertised: { port: Number(advertisedPort) } }),
  port: 0,
  durability: 'sync',
  defaultPartitions: 1,
})
process.on('message', (message) => {
  if (message === 'stop') void broker[Symbol.asyncDispose]().then(() => process.exit(0))
  else process.send?.({ cpu: process.cpuUsage() })
})
process.send?.({ port: broker.port })
