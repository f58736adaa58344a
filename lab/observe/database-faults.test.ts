/** Faults of a real PostgreSQL, as a service meets them, and that nothing is left of them. */
import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import pg from 'pg'
import { type PostgresEngine, startPostgres } from '../../system/src/postgres/index.ts'
import { endSessions, lockLargest } from './database-faults.ts'

const directory = mkdtempSync(join(tmpdir(), 'svyaz-faults-'))
let engine: PostgresEngine
let url: string
/** As the service's own, and as that of somebody else who reads with its role. */
async function sessionOf(name: string): Promise<pg.Client> {
  const session = new pg.Client({ connectionString: url, application_name: name })
  session.on('error', () => {})
  await session.connect()
  return session
}

before(async () => {
  // PostgreSQL's own account must be able to enter it.
  chmodSync(directory, 0o755)
  engine = await startPostgres({
    directory: join(directory, 'data'),
    host: '127.0.0.1',
    port: 0,
    log: join(directory, 'postgres.log'),
  })
  const row = { name: 'orders', role: 'orders', password: 'test' }
  await engine.ensureDatabases([row])
  url = engine.url(row)
  const session = await sessionOf('orders-1')
  await session.query('CREATE TABLE small (id int); CREATE TABLE large AS SELECT generate_series(1, 1000) AS id')
  await session.end()
})
after(async () => {
  await engine.stop()
  for (const place of [directory, engine.where]) rmSync(place, { recursive: true, force: true, maxRetries: 5 })
})

test('statements on the largest table wait until the lock is over, others don’t', async () => {
  const [service, other] = await Promise.all([sessionOf('orders-1'), sessionOf('orders-1')])
  const order: string[] = []
  const locked = lockLargest(url, 1_500).then((waited) => {
    order.push('lock over')
    return waited
  })
  await until(
    other,
    "SELECT 1 FROM pg_locks WHERE granted AND relation = 'large'::regclass AND mode = 'AccessExclusiveLock'",
  )
  const read = service.query('SELECT count(*) FROM large').then(() => order.push('large'))
  await other.query('SELECT count(*) FROM small').then(() => order.push('small'))
  assert.equal(await locked, 1)
  await read
  assert.deepEqual(order.toSorted(), ['large', 'lock over', 'small'])
  assert.equal(order[0], 'small')
  await Promise.all([service.end(), other.end()])
})

test('sessions of the service are ended, those of others with its role stay; afterwards there is nothing to heal', async () => {
  const [service, reader] = await Promise.all([sessionOf('orders-1'), sessionOf('a test')])
  const gone = new Promise<void>((resolve) => service.once('end', resolve))
  assert.equal(await endSessions(url, 'orders', 300), 1)
  await gone
  assert.equal((await reader.query('SELECT 1')).rowCount, 1)
  await reader.end()
  const again = await sessionOf('orders-1')
  assert.equal((await again.query('SELECT count(*)::int AS count FROM large')).rows[0].count, 1_000)
  await again.end()
})

async function until(session: pg.Client, sql: string): Promise<void> {
  while ((await session.query(sql)).rowCount === 0);
}
