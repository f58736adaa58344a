/**
 * Faults on the way from a service to its database, made by the database itself with the service's own role: nothing has
 * to be healed, for they end with the session that makes them, whoever dies.
 */
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'

const lookEveryMs = 100
/** Beyond it the table is too busy to be locked. */
const lockWithinMs = 5_000
/** PostgreSQL ends a session that holds a lock and says nothing for so long. */
const silentMs = 5_000

async function withSession<T>(url: string, work: (session: pg.Client) => Promise<T>): Promise<T> {
  const session = new pg.Client({ connectionString: url, application_name: 'fault-lab' })
  // PostgreSQL may be killed meanwhile: the next statement says so.
  session.on('error', () => {})
  await session.connect()
  try {
    return await work(session)
  } finally {
    await session.end().catch(() => undefined)
  }
}

/**
 * Keeps every statement on the service's largest table waiting.
 * @param url connection string of the service's role
 * @returns how many statements were seen to wait at once, at most
 * @throws what PostgreSQL says when the table can't be locked
 */
export function lockLargest(url: string, forMs: number): Promise<number> {
  return withSession(url, async (session) => {
    const largest = await session.query<{ name: string }>(
      `SELECT oid::regclass::text AS name FROM pg_class
        WHERE relkind = 'r' AND relowner = current_user::regrole ORDER BY pg_relation_size(oid) DESC LIMIT 1`,
    )
    const name = largest.rows[0]?.name
    if (name === undefined) throw new Error('the service has no table')
    await session.query('BEGIN')
    await session.query(`SET LOCAL lock_timeout = ${lockWithinMs}`)
    // Whoever is frozen meanwhile must not hold it: this session speaks every tenth of a second.
    await session.query(`SET LOCAL idle_in_transaction_session_timeout = ${silentMs}`)
    await session.query(`LOCK TABLE ${name} IN ACCESS EXCLUSIVE MODE`)
    const until = performance.now() + forMs
    let most = 0
    while (performance.now() < until) {
      const { rows } = await session.query<{ waiting: number }>(
        'SELECT count(*)::int AS waiting FROM pg_locks WHERE NOT granted AND relation = $1::regclass',
        [name],
      )
      most = Math.max(most, rows[0]?.waiting ?? 0)
      await delay(lookEveryMs)
    }
    await session.query('ROLLBACK')
    return most
  })
}

/**
 * Ends each session of the service's instances as soon as there is one.
 * @param url connection string of the service's role
 * @returns how many were ended
 */
export function endSessions(url: string, service: string, forMs: number): Promise<number> {
  return withSession(url, async (session) => {
    const until = performance.now() + forMs
    let ended = 0
    while (performance.now() < until) {
      // Whoever else reads with this role (a test, a person) is left alone.
      const { rowCount } = await session.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
          WHERE usename = current_user AND pid <> pg_backend_pid() AND application_name LIKE $1`,
        [`${service}-%`],
      )
      ended += rowCount ?? 0
      await delay(lookEveryMs)
    }
    return ended
  })
}
