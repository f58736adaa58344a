/** The embedded broker in a process of its own: takes a directory and a port, says `ready`, ends with its input. */
import { startBroker } from '../../broker/src/index.ts'

const [directory = '', port = '0'] = process.argv.slice(2)
await using _broker = await startBroker({ directory, port: Number(port), autoCreateTopics: false })
process.stdout.write('ready\n')
for await (const _ of process.stdin) {
  // Only its end matters.
}
