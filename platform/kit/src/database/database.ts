/**
 * A service's PostgreSQL: pool, transactions with effects after the commit, migrations, LISTEN/NOTIFY, leadership.
 *
 * Read in this order: database.ts, collected.ts, driver.ts, pool.ts, session.ts, trip.ts and parameters.ts (what travels),
 * errors.ts and back-off.ts (what is repeated), statement-names.ts, connection.ts; migrations.ts, own-migrations.ts, durability.ts; listener.ts, leader.ts.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Kysely, type RawBuilder, type Transaction } from 'kysely'
import type { Database, Held, Migration, Tx } from '../api.ts'
import type { Core } from '../core.ts'
import { Failure } from '../failure.ts'
import { backOffMs } from './back-off.ts'
import { connect } from './connection.ts'
import { dialectOver, resultOf, sessionOf } from './driver.ts'
import { assertDurable } from './durability.ts'
import { isAway, isNotMadeYet, isRepeatable } from './errors.ts'
import { leadWhile } from './leader.ts'
import { createListener } from './listener.ts'
import { migrate } from './migrations.ts'
import { ownMigrations } from './own-migrations.ts'
import { openPool } from './pool.ts'

export interface DatabaseOptions {
  url: string
  /** The service's own; the kit's tables come first. */
  migrations: readonly Migration[]
  /** Default 10. */
  connectionsMax?: number
  /** Default 5,000; migrations have none. */
  statementTimeoutMs?: number
  /** At boot, how long role and database may be missing on a server that answers; default 30,000. */
  madeWithinMs?: number
  /** Ends the wait for a database that is away at boot. */
  signal?: AbortSignal
}

export type OpenDatabase<Schema> = Database<Schema> & {
  notReady(): readonly string[]
  close(): Promise<void>
}

const repeatsMax = 3

/**
 * Waits until the server answers, asserts that it is durable, migrates, and opens the pool.
 *
 * @throws Error naming the unsafe setting, or the migration that is refused or fails: the service must not start.
 */
export async function openDatabase<Schema = unknown>(
  core: Core,
  options: DatabaseOptions,
): Promise<OpenDatabase<Schema>> {
  await prepare(core, options)
  const health = watchHealth(core, options.url)
  const pool = openPool(core, {
    url: options.url,
    connectionsMax: options.connectionsMax ?? 10,
    statementTimeoutMs: options.statementTimeoutMs ?? 5_000,
    onAway: health.lost,
  })
  const query = new Kysely<Schema>({ dialect: dialectOver(pool) })
  const listener = createListener(core, options.url)
  const notify = coalescedNotify(pool.pool)

  return {
    query,
    transaction: (run) => transact(core, query, run),
    listen: listener.listen,
    notify,
    whileLeader: (name, signal, work, heard) => leadWhile(core, options.url, signal, { name, work, heard }),
    notReady: health.notReady,
    async close() {
      health.close()
      await listener.close()
      await query.destroy()
    },
  }
}

/** READ COMMITTED, up to three repeats of the whole function on 40001 and 40P01, then the effects of the last try. */
async function transact<Schema, T>(core: Core, query: Kysely<Schema>, run: (tx: Tx<Schema>) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const effects: (() => void)[] = []
    try {
      const result = await query
        .transaction()
        .setIsolationLevel('read committed')
        .execute(async (transaction) => {
          const last: (() => Promise<void>)[] = []
          const value = await run(withEffects(transaction, effects, last))
          for (const work of last) await work()
          return value
        })
      for (const effect of effects) runEffect(core, effect)
      return result
    } catch (error) {
      if (!isRepeatable(error)) throw error
      if (attempt > repeatsMax) {
        throw new Failure('unavailable', 'too much is going on at once; try again', { cause: error })
      }
      await core.clock.delay(backOffMs(attempt, 5, 100, core.random))
    }
  }
}

const withEffects = <Schema>(
  transaction: Transaction<Schema>,
  effects: (() => void)[],
  last: (() => Promise<void>)[],
): Tx<Schema> =>
  Object.assign(transaction, {
    afterCommit: (effect: () => void) => void effects.push(effect),
    beforeCommit: (work: () => Promise<void>) => void last.push(work),
    hold: <Row>(statement: RawBuilder<Row>) => hold(transaction, statement),
  })

/** Gives it to the transaction's connection, behind what was given before. */
async function hold<Schema, Row>(transaction: Transaction<Schema>, statement: RawBuilder<Row>): Promise<Held<Row>> {
  const { sql, parameters } = statement.compile(transaction)
  let rows: readonly Row[] | undefined
  let state: Held<Row>['state'] = 'waiting'
  await transaction.getExecutor().provideConnection(async (connection) => {
    sessionOf(connection)
      .hold(sql, parameters)
      .then((answer) => {
        rows = resultOf<Row>(answer).rows
        state = 'answered'
      })
      // Whatever it leaves with fails too, and says it.
      .catch(() => {
        state = 'lost'
      })
  })
  return {
    get rows() {
      if (rows === undefined) throw new Error('a statement that is held has no rows yet')
      return rows
    },
    get state() {
      return state
    },
  }
}

/** The commit stands whatever an effect does, so its error is told and goes no further. */
function runEffect(core: Core, effect: () => void): void {
  try {
    effect()
  } catch (error) {
    core.log.error({ error: String(error) }, 'an effect after a commit failed')
  }
}

/**
 * A server that is away is waited for without end. One that answers but has no such role or database is waited for as
 * long as whoever makes them may need: a fresh server listens before they are made, and services start beside it.
 */
async function prepare(core: Core, options: DatabaseOptions): Promise<void> {
  const madeByMs = core.clock.monotonic() + (options.madeWithinMs ?? 30_000)
  for (let attempt = 1; ; attempt++) {
    options.signal?.throwIfAborted()
    try {
      const { client, close } = await connect(core, options.url, 'boot')
      try {
        await assertDurable(client)
        const ran = await migrate(client, [ownMigrations, options.migrations])
        if (ran.length > 0) core.log.info({ migrations: ran }, 'migrated the database')
        return
      } finally {
        await close()
      }
    } catch (error) {
      if (!isAway(error) && !(isNotMadeYet(error) && core.clock.monotonic() < madeByMs)) throw error
      const cause = error instanceof Failure ? error.cause : error
      if (attempt === 1) core.log.warn({ error: String(cause) }, 'waiting for the database')
      await core.clock.delay(backOffMs(attempt, 50, 2_000, core.random), options.signal)
    }
  }
}

/** Not ready from the first error that says so until a connection of its own is answered again. */
function watchHealth(core: Core, url: string) {
  const closing = new AbortController()
  let away: string | undefined
  const probe = async () => {
    for (let attempt = 1; away !== undefined && !closing.signal.aborted; attempt++) {
      try {
        const { client, close } = await connect(core, url, 'probe')
        await client.query('select 1').finally(close)
        away = undefined
        core.log.info({}, 'the database is back')
      } catch {
        await core.clock.delay(backOffMs(attempt, 100, 1_000, core.random), closing.signal).catch(() => undefined)
      }
    }
  }
  return {
    lost(error: unknown) {
      if (away !== undefined || closing.signal.aborted) return
      away = 'database: away'
      core.log.warn({ error: String(error) }, 'the database is away')
      void probe()
    },
    notReady: () => (away === undefined ? [] : [away]),
    close: () => closing.abort(),
  }
}

/**
 * NOTIFY inside a transaction takes a lock over all of the cluster's commits, so it is always a statement of its own.
 * Calls of one turn of the event loop, and those made while one is under way, share one; the same words are said once.
 */
function coalescedNotify(pool: { query(text: string, values: string[][]): Promise<unknown> }) {
  let waiting = new Map<string, [channel: string, payload: string]>()
  let next: Promise<void> | undefined
  let sending: Promise<unknown> = Promise.resolve()
  const sendNext = async (): Promise<void> => {
    await nextTurn()
    await sending.catch(() => undefined)
    const group = [...waiting.values()]
    waiting = new Map()
    next = undefined
    sending = pool.query(
      'select pg_notify(channel, payload) from unnest($1::text[], $2::text[]) as n (channel, payload)',
      [group.map(([channel]) => channel), group.map(([, payload]) => payload)],
    )
    await sending
  }
  return (channel: string, payload = ''): Promise<void> => {
    waiting.set(`${channel}\n${payload}`, [channel, payload])
    next ??= sendNext()
    return next
  }
}
