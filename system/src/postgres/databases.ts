/** A database and a role per service: each role owns its own database and can't even connect to another. */
import { Client, escapeIdentifier, escapeLiteral } from 'pg'
import { PostgresError } from './errors.ts'
import { durableSettings } from './settings.ts'

export interface ServiceDatabase {
  /** Database name, e.g. `orders`. */
  name: string
  /** Login role that owns it. */
  role: string
  password: string
  /** A predefined role whose rights it has besides, e.g. `pg_monitor`. */
  memberOf?: string
}

/**
 * Creates what is missing and sets the passwords given; repeating it changes nothing else.
 * Roles get no attribute beyond LOGIN, and no membership that is not named (reliability: least rights).
 */
export async function ensureDatabases(
  adminUrl: string,
  list: readonly ServiceDatabase[],
  /** False on a server that others use too: what they may connect to is left as it is. */
  whole = true,
): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const roles = await column(client, 'SELECT rolname AS value FROM pg_roles')
    const databases = await column(client, 'SELECT datname AS value FROM pg_database')
    await client.query(
      [
        'BEGIN',
        ...(whole ? ['REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC'] : []),
        ...list.map(({ role, password }) => {
          const verb = roles.has(role) ? 'ALTER' : 'CREATE'
          return `${verb} ROLE ${escapeIdentifier(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD ${escapeLiteral(password)}`
        }),
        'COMMIT',
      ].join(';\n'),
    )
    for (const { name, role, memberOf } of list) {
      const [database, owner] = [escapeIdentifier(name), escapeIdentifier(role)]
      if (!databases.has(name)) await client.query(`CREATE DATABASE ${database} OWNER ${owner}`)
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`)
      if (memberOf !== undefined) await client.query(`GRANT ${escapeIdentifier(memberOf)} TO ${owner}`)
    }
  })
}

/**
 * Asks the server itself whether what it answers is on disk.
 *
 * @throws PostgresError naming every setting that is not as it must be.
 */
export async function assertDurable(adminUrl: string): Promise<void> {
  await withClient(adminUrl, async (client) => {
    const wanted: Record<string, string> = { ...durableSettings, data_checksums: 'on' }
    const { rows } = await client.query<{ name: string; setting: string }>(
      'SELECT name, setting FROM pg_settings WHERE name = ANY($1)',
      [Object.keys(wanted)],
    )
    const actual = new Map(rows.map((row) => [row.name, row.setting]))
    const wrong = Object.keys(wanted).filter((name) => actual.get(name) !== wanted[name])
    if (wrong.length > 0) {
      throw new PostgresError(
        `PostgreSQL is not durable: ${wrong.map((name) => `${name} = ${actual.get(name) ?? 'unknown'}`).join(', ')}`,
      )
    }
  })
}

async function withClient(url: string, use: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5_000,
    application_name: 'svyaz-supervisor',
  })
  // A server killed while we talk ends the query with an error; the event of the same name must not end us.
  client.on('error', () => {})
  await client.connect()
  try {
    await use(client)
  } finally {
    await client.end()
  }
}

async function column(client: Client, text: string): Promise<Set<string>> {
  const { rows } = await client.query<{ value: string }>(text)
  return new Set(rows.map((row) => row.value))
}
