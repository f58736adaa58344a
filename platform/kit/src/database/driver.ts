/** Kysely's dialect over the pool of pool.ts: its own, so that a transaction's BEGIN and last statements make no trip alone. */
import {
  AbortedTransactionError,
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryResult,
  type TransactionSettings,
} from 'kysely'
import type { ConnectionPool } from './pool.ts'
import type { Session } from './session.ts'
import type { Answer } from './trip.ts'

/** PostgreSQL for Kysely, over this pool. Transactions are READ COMMITTED. */
export const dialectOver = (pool: ConnectionPool): Dialect => ({
  createDriver: () => new PoolDriver(pool),
  createQueryCompiler: () => new PostgresQueryCompiler(),
  createAdapter: () => new PostgresAdapter(),
  createIntrospector: (query) => new PostgresIntrospector(query),
})

class PoolDriver implements Driver {
  readonly #pool: ConnectionPool

  constructor(pool: ConnectionPool) {
    this.#pool = pool
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<SessionConnection> {
    return new SessionConnection(await this.#pool.connect())
  }

  async beginTransaction(connection: DatabaseConnection, { isolationLevel }: TransactionSettings): Promise<void> {
    if (isolationLevel !== undefined && isolationLevel !== 'read committed')
      throw new Error(`transactions are read committed, not ${isolationLevel}`)
    sessionOf(connection).begin()
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    if (!(await sessionOf(connection).commit())) throw new AbortedTransactionError()
  }

  rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    return sessionOf(connection).rollback()
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    sessionOf(connection).release()
  }

  destroy(): Promise<void> {
    return this.#pool.end()
  }
}

class SessionConnection implements DatabaseConnection {
  readonly session: Session

  constructor(session: Session) {
    this.session = session
  }

  async executeQuery<Row>({ sql, parameters }: CompiledQuery): Promise<QueryResult<Row>> {
    return resultOf(await this.session.run(sql, parameters))
  }

  // biome-ignore lint/correctness/useYield: nothing here reads by portions; Kysely wants the method
  async *streamQuery(): AsyncIterableIterator<never> {
    throw new Error('results are not streamed')
  }
}

/** The session behind a connection that Kysely hands out. */
export const sessionOf = (connection: DatabaseConnection): Session => {
  if (!(connection instanceof SessionConnection)) throw new Error('a connection of another driver')
  return connection.session
}

const changing: ReadonlySet<string> = new Set(['INSERT', 'UPDATE', 'DELETE', 'MERGE'])

/** An answer as Kysely has it. */
export const resultOf = <Row>({ command, rowCount, rows }: Answer): QueryResult<Row> => ({
  rows: rows as Row[],
  ...(changing.has(command) ? { numAffectedRows: BigInt(rowCount ?? 0) } : {}),
})
