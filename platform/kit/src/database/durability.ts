/** A service refuses a server that may forget what it has committed (reliability: nothing accepted is lost). */
import type pg from 'pg'

/** The setting must not have one of these values; `synchronous_commit` flushes locally in every mode but `off`. */
const refused: Record<string, readonly string[]> = {
  fsync: ['off'],
  full_page_writes: ['off'],
  synchronous_commit: ['off'],
}

/** @throws Error that names each unsafe setting and its value. */
export async function assertDurable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1) order by name',
    [Object.keys(refused)],
  )
  const unsafe = rows.filter((row) => refused[row.name]?.includes(row.setting))
  if (unsafe.length > 0 || rows.length < Object.keys(refused).length) {
    const named = unsafe.map((row) => `${row.name} = ${row.setting}`).join(', ') || 'its settings cannot be read'
    throw new Error(`PostgreSQL may lose what it has committed: ${named}. Set it to on; the service does not start.`)
  }
}
