/** In the container that stands in for MongoDB: `node gate.ts <address> <port>` listens there for the server on that port of the loopback. */
import { oneAtATime } from './one-at-a-time.ts'

const [host = '', port = ''] = process.argv.slice(2)
await oneAtATime(Number(port), { host, port: Number(port) })
