/** A bounded pool of PostgreSQL connections, each a session (session.ts) for whoever has it. */
import pg from 'pg'
import type { Core } from '../core.ts'
import { asFailure } from './errors.ts'
import { Session, type SessionParts } from './session.ts'
import { createStatementNames } from './statement-names.ts'

export interface ConnectionPool {
  /** For what is said outside of any session. */
  readonly pool: pg.Pool
  /** @throws Failure `unavailable` when the database is away, or no connection is free in time */
  connect(): Promise<Session>
  end(): Promise<void>
}

export interface PoolOptions {
  url: string
  connectionsMax: number
  statementTimeoutMs: number
  /** Called with each error that says the database is away. */
  onAway(error: unknown): void
}

/** Settings of every session; the application name shows the instance in pg_stat_activity. */
export const sessionSettings = (core: Core, url: string, statementTimeoutMs: number): pg.ClientConfig => ({
  connectionString: url,
  application_name: core.environment.instance,
  connectionTimeoutMillis: 5_000,
  statement_timeout: statementTimeoutMs,
  // Frees the locks of an instance that was frozen inside a transaction.
  idle_in_transaction_session_timeout: 10_000,
  // The server answers first when it is alive at all; this one ends a statement on a dead connection.
  ...(statementTimeoutMs > 0 ? { query_timeout: statementTimeoutMs + 2_000 } : {}),
  keepAlive: true,
  keepAliveInitialDelayMillis: 10_000,
})

/** A bounded pool of connections with the session settings that every service has. */
export function openPool(core: Core, options: PoolOptions): ConnectionPool {
  const pool = new pg.Pool({
    ...sessionSettings(core, options.url, options.statementTimeoutMs),
    max: options.connectionsMax,
    // One connection stays open: its end is how an idle service learns that the database went.
    min: 1,
    idleTimeoutMillis: 30_000,
  })
  // pg emits errors of idle connections here; without a listener they would end the process.
  pool.on('error', (error) => options.onAway(error))
  pool.on('connect', (client) => client.on('error', () => {}))

  const seconds = core.metrics.histogram('svyaz_database_statement_seconds', 'Time of SQL statements', ['operation'])
  const trips = core.metrics.counter('svyaz_database_trips_total', 'Writes to the database, of one statement or more')
  core.metrics.gauge('svyaz_database_connections', 'Connections in the pool').collect(() => pool.totalCount)
  core.metrics.gauge('svyaz_database_connections_idle', 'Connections that wait for work').collect(() => pool.idleCount)
  core.metrics.gauge('svyaz_database_waiting', 'Callers that wait for a connection').collect(() => pool.waitingCount)

  const parts: SessionParts = {
    core,
    nameOf: createStatementNames(),
    took: (operation, value) => seconds.observe(value, { operation }),
    left: () => trips.inc(),
    onAway: options.onAway,
  }
  return {
    pool,
    end: () => pool.end(),
    async connect() {
      try {
        return new Session(await pool.connect(), parts)
      } catch (error) {
        const failure = asFailure(error)
        if (failure !== error) options.onAway(error)
        throw failure
      }
    },
  }
}
