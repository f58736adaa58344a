/** A database whose time stands still until a test moves it: its `now()` is a row. For what rows wait for, or end by. */
import pg from 'pg'

export interface DatabaseTime extends AsyncDisposable {
  /** For the service under test: its sessions find this `now()` before PostgreSQL's. */
  readonly url: string
  /** ms; negative: a database whose clock was set back. */
  pass(ms: number): Promise<void>
  /** ms since 1970. */
  now(): number
}

/** @param url of a fresh database, as the role that owns it */
export const movableTime = async (url: string, start = '2026-01-02T03:04:05.000Z'): Promise<DatabaseTime> => {
  let now = Date.parse(start)
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query(`
    CREATE SCHEMA moved;
    CREATE TABLE moved.instant (at timestamptz NOT NULL);
    INSERT INTO moved.instant VALUES ('${start}');
    CREATE FUNCTION moved.now() RETURNS timestamptz LANGUAGE sql STABLE AS 'SELECT at FROM moved.instant';`)
  const moved = new URL(url)
  moved.searchParams.set('options', '-csearch_path=public,moved,pg_catalog')
  return {
    url: moved.href,
    async pass(ms) {
      now += ms
      await client.query('UPDATE moved.instant SET at = at + make_interval(secs => $1)', [ms / 1_000])
    },
    now: () => now,
    [Symbol.asyncDispose]: () => client.end(),
  }
}
