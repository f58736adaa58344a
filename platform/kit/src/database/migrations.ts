/** Brings the tables of one database to what the code expects, once, whichever instance comes first. */
import { createHash } from 'node:crypto'
import type pg from 'pg'
import type { Migration } from '../api.ts'

const checksum = (sql: string): string => createHash('sha256').update(sql).digest('hex')

export type MigrationPlan = { run: readonly Migration[] } | { refuse: string }

/**
 * What is left to run. Refuses ids that repeat or do not ascend, and a migration whose text is not the one that was
 * applied: somebody edited history. Applied ids that the code does not know are a newer version's and are left alone.
 *
 * @param applied id → checksum
 */
export function planMigrations(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): MigrationPlan {
  for (const [index, migration] of migrations.entries()) {
    const previous = migrations[index - 1]
    if (previous !== undefined && previous.id >= migration.id) {
      return { refuse: `migration ${migration.id} stands after ${previous.id}: ids must ascend` }
    }
    const known = applied.get(migration.id)
    if (known !== undefined && known !== checksum(migration.sql)) {
      return { refuse: `migration ${migration.id} was edited after it had been applied; write a new one instead` }
    }
  }
  return { run: migrations.filter((migration) => !applied.has(migration.id)) }
}

/**
 * Each migration runs in a transaction with its own record, so a crash leaves whole ones only. Instances that start
 * together wait for one another on an advisory lock. `sets` run in the order given, the kit's own first.
 *
 * @throws Error when the plan refuses, or with PostgreSQL's error and the migration's id.
 */
export async function migrate(client: pg.Client, sets: readonly (readonly Migration[])[]): Promise<string[]> {
  await client.query(`select pg_advisory_lock(hashtextextended('svyaz_migrations', 0))`)
  try {
    await client.query(
      `create table if not exists svyaz_migrations (
         id text primary key, checksum text not null, applied_at timestamptz not null default now())`,
    )
    const { rows } = await client.query<{ id: string; checksum: string }>('select id, checksum from svyaz_migrations')
    const applied = new Map(rows.map((row) => [row.id, row.checksum]))
    const ran: string[] = []
    for (const migrations of sets) {
      const plan = planMigrations(migrations, applied)
      if ('refuse' in plan) throw new Error(plan.refuse)
      for (const migration of plan.run) {
        await apply(client, migration)
        ran.push(migration.id)
      }
    }
    return ran
  } finally {
    await client.query(`select pg_advisory_unlock(hashtextextended('svyaz_migrations', 0))`).catch(() => undefined)
  }
}

async function apply(client: pg.Client, migration: Migration): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.sql)
    await client.query('insert into svyaz_migrations (id, checksum) values ($1, $2)', [
      migration.id,
      checksum(migration.sql),
    ])
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => undefined)
    throw new Error(`migration ${migration.id}: ${(error as Error).message}`, { cause: error })
  }
}
