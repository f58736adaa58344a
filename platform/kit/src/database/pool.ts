/**
 * A bounded pool of PostgreSQL connections in the shape that Kysely's dialect takes. Each statement passes here:
 * it becomes a span, its errors are sorted (errors.ts), and a connection that may be broken is not used again.
 */

import type { PostgresPool, PostgresPoolClient } from 'kysely'
import pg from 'pg'
import type { Span } from '../api.ts'
import type { Core } from '../core.ts'
import { asFailure, breaksConnection } from './errors.ts'
import { createStatementNames } from './statement-names.ts'

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

const statementTextMax = 2_000

/** `select "id" from …` → `SELECT`; what it is told by name and metrics. */
export const operationOf = (statement: string): string => {
  const word = /^\s*(\w+)/.exec(statement)?.[1]?.toUpperCase() ?? 'SQL'
  return word === 'START' ? 'BEGIN' : word
}

/** A bounded pool of connections with the session settings that every service has. */
export function openPool(core: Core, options: PoolOptions): PostgresPool & { readonly pool: pg.Pool } {
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
  core.metrics.gauge('svyaz_database_connections', 'Connections in the pool').collect(() => pool.totalCount)
  core.metrics.gauge('svyaz_database_connections_idle', 'Connections that wait for work').collect(() => pool.idleCount)
  core.metrics.gauge('svyaz_database_waiting', 'Callers that wait for a connection').collect(() => pool.waitingCount)

  const fail = (error: unknown): never => {
    const failure = asFailure(error)
    if (failure !== error) options.onAway(error)
    throw failure
  }

  const nameOf = createStatementNames()
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    let broken = false
    const send = async (text: string, values: readonly unknown[]) => {
      const startedAt = core.clock.monotonic()
      try {
        const name = values.length > 0 ? nameOf(text) : undefined
        return await client.query({ text, values: values as unknown[], ...(name === undefined ? {} : { name }) })
      } catch (error) {
        if (breaksConnection(error)) broken = true
        return fail(error)
      } finally {
        seconds.observe((core.clock.monotonic() - startedAt) / 1_000, { operation: operationOf(text) })
      }
    }
    const query = (text: string, values: readonly unknown[] = []) =>
      core.tracer.current() === undefined || operationOf(text) === 'BEGIN'
        ? send(text, values)
        : core.tracer.span(
            `SQL ${operationOf(text)}`,
            {
              kind: 'client',
              attributes: {
                'db.system': 'postgresql',
                'db.operation': operationOf(text),
                // Values travel apart from the text ($1, $2, …), so none of them gets into a trace.
                'db.statement': text.slice(0, statementTextMax),
              },
            },
            async (span: Span) => {
              const result = await send(text, values)
              if (result.rowCount !== null) span.set('db.rows', result.rowCount)
              return result
            },
          )
    return {
      query: query as unknown as PostgresPoolClient['query'],
      release: (destroy?: boolean) => client.release(broken || destroy === true),
    }
  }

  return {
    pool,
    options: pool.options,
    end: () => pool.end(),
    connect: async () => {
      const client = await pool.connect().catch(fail)
      const known = wrapped.get(client) ?? wrap(client)
      wrapped.set(client, known)
      return known
    },
  }
}
