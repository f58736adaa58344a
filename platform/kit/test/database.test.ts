import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { sql } from 'kysely'
import pg from 'pg'
import type { Migration } from '../src/api.ts'
import { type OpenDatabase, openDatabase } from '../src/database/database.ts'
import { Failure } from '../src/failure.ts'
import { testCore, until } from './core-fixture.ts'
import { startTestPostgres, type TestPostgres } from './engines.ts'

let postgres: TestPostgres
before(async () => {
  postgres = await startTestPostgres()
})
after(() => postgres[Symbol.asyncDispose]())

interface Schema {
  accounts: { id: number; amount: number }
}
const accounts: Migration = {
  id: '0001-accounts',
  sql: 'create table accounts (id int primary key, amount int not null); insert into accounts values (1, 0), (2, 0)',
}

const fresh = () => postgres.database(`d${randomUUID().slice(0, 8)}`)

async function open(options: { url?: string; migrations?: Migration[]; statementTimeoutMs?: number } = {}) {
  const core = testCore()
  const { url = await fresh(), migrations = [accounts], ...rest } = options
  const database = await openDatabase<Schema>(core, { url, migrations, ...rest })
  return { core, url, database, [Symbol.asyncDispose]: () => database.close() }
}

async function asAdmin<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: postgres.adminUrl })
  client.on('error', () => {})
  await client.connect()
  try {
    return await use(client)
  } finally {
    await client.end()
  }
}

const endSessions = (applicationName: string) =>
  asAdmin(async (client) => {
    const { rows } = await client.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1',
      [applicationName],
    )
    return rows.length
  })

const amounts = async (database: OpenDatabase<Schema>) =>
  (await database.query.selectFrom('accounts').select('amount').orderBy('id').execute()).map((row) => row.amount)

describe('at boot', () => {
  test('instances that start together migrate once, the kit first', async () => {
    const url = await fresh()
    const opened = await Promise.all([open({ url }), open({ url }), open({ url })])
    const { rows } = await sql<{ id: string }>`select id from svyaz_migrations order by applied_at, id`.execute(
      opened[0].database.query,
    )
    assert.deepEqual(
      rows.map((row) => row.id),
      ['kit-0001-outbox', 'kit-0002-inbox', '0001-accounts'],
    )
    assert.equal(opened.filter(({ core }) => core.logs.some((line) => /migrated/.test(line.message))).length, 1)
    for (const { database } of opened) await database.close()
  })

  test('an edited migration is refused, a failing one leaves nothing behind', async () => {
    const url = await fresh()
    await (await open({ url })).database.close()
    await assert.rejects(
      open({ url, migrations: [{ ...accounts, sql: 'create table x ()' }] }),
      /0001-accounts was edited/,
    )
    const failing = { id: '0002-b', sql: 'create table b (); create table b ()' }
    await assert.rejects(open({ url, migrations: [accounts, failing] }), /migration 0002-b: .*already exists/)
    await using healed = await open({ url, migrations: [accounts, { id: '0002-b', sql: 'create table b ()' }] })
    assert.deepEqual(await amounts(healed.database), [0, 0])
  })

  test('a server that may forget commits is refused, by the name of the setting', async () => {
    const url = await fresh()
    await asAdmin((client) => client.query(`alter role ${new URL(url).username} set synchronous_commit = off`))
    await assert.rejects(open({ url }), /synchronous_commit = off/)
  })

  test('a server that is away is waited for', async () => {
    const url = await fresh()
    await postgres.stop()
    const core = testCore()
    const opening = openDatabase<Schema>(core, { url, migrations: [accounts] })
    await until('it waits', () => core.logs.some((line) => line.message === 'waiting for the database'))
    await postgres.start()
    const database = await opening
    assert.deepEqual(await amounts(database), [0, 0])
    await database.close()
  })

  test('a database that is made only after its server runs is waited for, and one that never comes is not', async () => {
    const name = `d${randomUUID().slice(0, 8)}`
    const url = (await fresh()).replaceAll(/d[0-9a-f]{8}/g, name)
    const core = testCore()
    const opening = openDatabase<Schema>(core, { url, migrations: [accounts] })
    await until('it waits', () => core.logs.some((line) => line.message === 'waiting for the database'))
    await asAdmin((client) => client.query(`create role ${name} login password 'test'`))
    await postgres.database(name)
    const database = await opening
    assert.deepEqual(await amounts(database), [0, 0])
    await database.close()
    const nowhere = url.replaceAll(name, 'nobody')
    await assert.rejects(openDatabase(testCore(), { url: nowhere, migrations: [], madeWithinMs: 100 }), {
      code: '28P01',
    })
  })

  test('the wait ends with its signal', async () => {
    const stop = new AbortController()
    const core = testCore()
    const url = 'postgres://nobody:x@127.0.0.1:1/nothing'
    const opening = openDatabase(core, { url, migrations: [], signal: stop.signal })
    await until('it waits', () => core.logs.some((line) => line.message === 'waiting for the database'))
    stop.abort()
    await assert.rejects(opening)
  })
})

describe('transactions', () => {
  test('effects run after the commit and never after a rollback', async () => {
    await using one = await open()
    const seen: string[] = []
    await one.database.transaction(async (tx) => {
      tx.afterCommit(() => seen.push('committed'))
      await tx.updateTable('accounts').set({ amount: 1 }).where('id', '=', 1).execute()
      assert.deepEqual(seen, [])
    })
    assert.deepEqual(seen, ['committed'])
    await assert.rejects(
      one.database.transaction(async (tx) => {
        tx.afterCommit(() => seen.push('never'))
        await tx.updateTable('accounts').set({ amount: 9 }).where('id', '=', 1).execute()
        throw new Error('changed my mind')
      }),
      /changed my mind/,
    )
    assert.deepEqual([seen, await amounts(one.database)], [['committed'], [1, 0]])
  })

  test('of two that deadlock both succeed, one of them by a repeat with its effects once', async () => {
    await using one = await open()
    let tries = 0
    let effects = 0
    const bothHold = Promise.withResolvers<void>()
    let holding = 0
    const pay = (from: number, to: number) =>
      one.database.transaction(async (tx) => {
        tries += 1
        tx.afterCommit(() => {
          effects += 1
        })
        const increase = sql<number>`amount + 1`
        await tx.updateTable('accounts').set({ amount: increase }).where('id', '=', from).execute()
        holding += 1
        if (holding === 2) bothHold.resolve()
        await bothHold.promise
        await tx.updateTable('accounts').set({ amount: increase }).where('id', '=', to).execute()
      })
    await Promise.all([pay(1, 2), pay(2, 1)])
    // The one that repeats may meet the other before it has gone on, and deadlock with it again.
    assert.ok(tries >= 3, `${tries} tries`)
    assert.deepEqual([effects, await amounts(one.database)], [2, [2, 2]])
  })

  test('what deadlocks for ever ends as unavailable after three repeats', async () => {
    await using one = await open()
    let tries = 0
    await assert.rejects(
      one.database.transaction(async () => {
        tries += 1
        throw Object.assign(new Error('deadlock detected'), { code: '40P01' })
      }),
      (error) => error instanceof Failure && error.code === 'unavailable',
    )
    assert.equal(tries, 4)
  })

  test('a broken constraint comes through as the driver threw it', async () => {
    await using one = await open()
    await assert.rejects(
      one.database.transaction((tx) => tx.insertInto('accounts').values({ id: 1, amount: 0 }).execute()),
      { code: '23505' },
    )
  })

  test('a statement that takes too long is ended', async () => {
    await using one = await open({ statementTimeoutMs: 100 })
    await assert.rejects(
      one.database.transaction((tx) => sql`select pg_sleep(30)`.execute(tx)),
      (error) => error instanceof Failure && error.code === 'deadline_exceeded',
    )
  })
})

describe('spans', () => {
  test('each statement under a current trace, with its text and no value; none without a trace', async () => {
    await using one = await open()
    await one.database.query.selectFrom('accounts').selectAll().where('amount', '=', 424_242).execute()
    assert.equal(one.core.spans.length, 0)
    await one.core.tracer.span('request', {}, async () => {
      await one.database.query.selectFrom('accounts').select('id').where('amount', '=', 424_242).execute()
    })
    const span = one.core.spans.find((found) => found.name === 'SQL SELECT')
    assert.ok(span)
    assert.equal(span.options.kind, 'client')
    assert.equal(span.parent, one.core.spans[0]?.traceparent)
    assert.deepEqual(span.attributes, {
      'db.system': 'postgresql',
      'db.operation': 'SELECT',
      'db.statement': 'select "id" from "accounts" where "amount" = $1',
      'db.rows': 0,
    })
  })
})

describe('a connection that is lost', () => {
  test('fails as unavailable, shows in readiness, and is forgotten when the server answers', async () => {
    await using one = await open()
    const name = one.core.environment.instance
    await assert.rejects(
      one.database.transaction(async (tx) => {
        await endSessions(name)
        await tx.updateTable('accounts').set({ amount: 5 }).where('id', '=', 1).execute()
      }),
      (error) => error instanceof Failure && error.code === 'unavailable',
    )
    await until('it is ready again', () => one.database.notReady().length === 0)
    assert.deepEqual(await amounts(one.database), [0, 0])
    await one.database.transaction((tx) => tx.updateTable('accounts').set({ amount: 5 }).execute())
    assert.deepEqual(await amounts(one.database), [5, 5])
  })

  test('a server that stops is noticed without a request', async () => {
    await using one = await open()
    assert.deepEqual(await amounts(one.database), [0, 0])
    await postgres.stop()
    await until('it says so', () => one.database.notReady().includes('database: away'))
    await postgres.start()
    await until('it is ready again', () => one.database.notReady().length === 0)
    assert.deepEqual(await amounts(one.database), [0, 0])
  })
})

describe('LISTEN and NOTIFY', () => {
  test('one connection for all channels; many notifications of a moment become few', async () => {
    await using one = await open()
    await using two = await open({ url: one.url })
    const heard: string[] = []
    await using _a = one.database.listen('a', (payload) => heard.push(`a ${payload}`))
    await using _b = one.database.listen('b', (payload) => heard.push(`b ${payload}`))
    await until('both are woken at first', () => heard.includes('a ') && heard.includes('b '))
    heard.length = 0
    await Promise.all(Array.from({ length: 100 }, () => two.database.notify('a', 'x')))
    await two.database.notify('b', 'y')
    await until('the last is heard', () => heard.includes('b y'))
    assert.deepEqual(heard, ['a x', 'b y'])
    await Promise.all(['1', '2', '3'].map((word) => two.database.notify('a', word)))
    await two.database.notify('b', 'last')
    await until('the last is heard', () => heard.includes('b last'))
    assert.deepEqual(heard.slice(2), ['a 1', 'a 2', 'a 3', 'b last'], 'what shares a statement is told one by one')
    const sessions = await asAdmin((client) =>
      client.query('select 1 from pg_stat_activity where application_name = $1', [
        `${one.core.environment.instance}/listen`,
      ]),
    )
    assert.equal(sessions.rowCount, 1)
  })

  test('after a broken connection every listener is woken, since something may have been missed', async () => {
    await using one = await open()
    let woken = 0
    await using _listening = one.database.listen('c', () => {
      woken += 1
    })
    await until('it listens', () => woken === 1)
    assert.equal(await endSessions(`${one.core.environment.instance}/listen`), 1)
    await until('it is woken again', () => woken === 2)
    await one.database.notify('c')
    await until('it hears again', () => woken === 3)
  })
})

describe('leadership', () => {
  const standingBy = ({ core }: { core: ReturnType<typeof testCore> }) => `${core.environment.instance}/leader work`
  const hasAsked = async (instance: { core: ReturnType<typeof testCore> }): Promise<boolean> => {
    const { rowCount } = await asAdmin((client) =>
      client.query(`select from pg_stat_activity where application_name = $1 and query like '%advisory%'`, [
        standingBy(instance),
      ]),
    )
    return rowCount === 1
  }

  test('one leads; when its connection goes its signal is aborted and the other takes over', async () => {
    await using one = await open()
    await using two = await open({ url: one.url })
    const stop = new AbortController()
    const leading: string[] = []
    const lead = ({ core, database }: typeof one, label: string) =>
      database.whileLeader('work', stop.signal, async (signal) => {
        leading.push(`${label} leads`)
        await core.clock.delay(60_000, signal).catch(() => undefined)
        leading.push(`${label} ends`)
      })
    const first = lead(one, 'one')
    await until('the first leads', () => leading.length === 1)
    const second = lead(two, 'two')
    await until('the second has asked', () => hasAsked(two))
    assert.deepEqual(leading, ['one leads'])
    await until('the second leads', async () => {
      // Connected again it may be the first who asks: a process that is gone doesn't.
      await endSessions(standingBy(one))
      return leading.includes('two leads')
    })
    await until('the first noticed', () => leading.includes('one ends'))
    stop.abort()
    await Promise.all([first, second])
    const times = (what: string) => leading.filter((said) => said === what).length
    assert.deepEqual([times('two leads'), times('two ends')], [1, 1])
    assert.equal(times('one leads'), times('one ends'))
    assert.ok(leading.indexOf('one leads') < leading.indexOf('two leads'))
  })

  test('whoever stands by holds no snapshot: what dies meanwhile can be cleared away', async () => {
    await using one = await open()
    await using two = await open({ url: one.url })
    const stop = new AbortController()
    using _ended = { [Symbol.dispose]: () => stop.abort() }
    let leads = 0
    const lead = ({ core, database }: typeof one) =>
      database.whileLeader('work', stop.signal, async (signal) => {
        leads += 1
        await core.clock.delay(60_000, signal).catch(() => undefined)
      })
    const first = lead(one)
    await until('the first leads', () => leads === 1)
    const second = lead(two)
    await until('the second has asked', () => hasAsked(two))
    await asAdmin(async (client) => {
      const { rows } = await client.query<{ xid: string }>('select pg_current_xact_id()::text as xid')
      await until('no snapshot of it is as old as that', async () => {
        const held = await client.query(
          `select from pg_stat_activity where application_name = $1 and age(backend_xmin) >= age($2::xid8::xid)`,
          [standingBy(two), rows[0]?.xid],
        )
        return held.rowCount === 0
      })
    })
    assert.equal(leads, 1)
    stop.abort()
    await Promise.all([first, second])
  })

  test('the leader hears over the connection of its lock, from before its work begins', async () => {
    await using one = await open()
    await using two = await open({ url: one.url })
    const stop = new AbortController()
    let heard = 0
    const leading = one.database.whileLeader(
      'work',
      stop.signal,
      async (signal) => {
        await two.database.notify('work')
        await one.core.clock.delay(60_000, signal).catch(() => undefined)
      },
      () => {
        heard += 1
      },
    )
    await until('it heard what was said when it began', () => heard === 1)
    const { rows } = await asAdmin((client) =>
      client.query('select application_name as name from pg_stat_activity where application_name = any($1)', [
        ['leader work', 'listen'].map((purpose) => `${one.core.environment.instance}/${purpose}`),
      ]),
    )
    assert.deepEqual(rows, [{ name: `${one.core.environment.instance}/leader work` }])
    await two.database.notify('other')
    await two.database.notify('work')
    await until('it heard the next one', () => heard === 2)
    stop.abort()
    await leading
  })

  test('work that fails is taken up again', async () => {
    await using one = await open()
    const stop = new AbortController()
    let runs = 0
    await one.database.whileLeader('work', stop.signal, async () => {
      runs += 1
      if (runs === 1) throw new Error('a slip')
      stop.abort()
    })
    assert.equal(runs, 2)
  })
})
