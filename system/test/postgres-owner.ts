/**
 * A process that owns a PostgreSQL, to be killed by postgres.test.ts. Takes the data directory, prints one
 * line of JSON when the server is ready, ignores SIGINT, and stops the server when its input ends.
 */
import { join } from 'node:path'
import { startPostgres } from '../src/postgres/index.ts'

const [directory = ''] = process.argv.slice(2)
process.on('SIGINT', () => process.stdout.write('interrupted\n'))
const engine = await startPostgres({
  directory,
  port: 0,
  host: '127.0.0.1',
  log: join(directory, '..', 'postgres.log'),
})
const { pid, adminUrl, where, account } = engine
process.stdout.write(`${JSON.stringify({ pid, adminUrl, where, account })}\n`)
for await (const _ of process.stdin) {
  // Nothing is said on it; only its end matters.
}
await engine.stop()
