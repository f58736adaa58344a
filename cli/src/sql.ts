/** SQL without psql: sent as it is, answers as tables or JSON. */
import pg from 'pg'
import type { Invocation } from './command.ts'
import { CliError, exitCodes } from './errors.ts'
import { printable } from './pretty-log.ts'
import { table } from './terminal.ts'

/** Longer cells of a table are cut; JSON has all of it. */
const cellCharactersMax = 200

/**
 * Runs one statement or several; without a transaction of their own they are one, as PostgreSQL's simple protocol has it.
 *
 * @throws CliError with PostgreSQL's words, its hint, and where in the text it is.
 */
export async function runSql(url: string, text: string, { flags, terminal }: Invocation): Promise<number> {
  const results = await query(url, text)
  if (flags.json) {
    const objects = results.map(({ command, rowCount, fields, rows }) => ({
      command,
      rowCount,
      rows: rows.map((row) => Object.fromEntries(fields.map((field, at) => [field.name, row[at]]))),
    }))
    terminal.json(objects.length === 1 ? objects[0] : objects)
    return exitCodes.ok
  }
  for (const { command, rowCount, fields, rows } of results) {
    if (fields.length > 0) {
      const head = fields.map((field) => terminal.paint('dim', field.name))
      for (const line of table([head, ...rows.map((row) => row.map(cell))])) terminal.print(line)
    }
    terminal.print(
      terminal.paint('dim', fields.length > 0 ? `(${counted(rows.length)})` : `${command} ${rowCount ?? ''}`.trim()),
    )
  }
  return exitCodes.ok
}

export interface DatabaseSize {
  readonly bytes: number
  readonly tables: number
}

/** Undefined for a database that isn't there yet. */
export async function sizeOf(url: string): Promise<DatabaseSize | undefined> {
  try {
    const [answer] = await query(
      url,
      `select pg_database_size(current_database())::float8,
        (select count(*)::int from pg_tables where schemaname = 'public')`,
    )
    const [bytes, tables] = (answer?.rows[0] ?? []) as [number, number]
    return { bytes, tables }
  } catch {
    return undefined
  }
}

async function query(url: string, text: string): Promise<pg.QueryArrayResult<unknown[]>[]> {
  const client = new pg.Client({ connectionString: url, application_name: 'svyaz-db', connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const answer = (await client.query({ text, rowMode: 'array' })) as
      | pg.QueryArrayResult<unknown[]>
      | pg.QueryArrayResult<unknown[]>[]
    return Array.isArray(answer) ? answer : [answer]
  } catch (error) {
    throw new CliError(explain(error as pg.DatabaseError, text), { cause: error })
  } finally {
    await client.end().catch(() => undefined)
  }
}

function explain({ message, hint, detail, position }: pg.DatabaseError, text: string): string {
  const at = Number(position ?? 0)
  const where = at > 0 ? [`at: ${printable(text.slice(at - 1, at + 39))}`] : []
  return [message, ...[detail, hint].filter((line) => line !== undefined), ...where].join('\n  ')
}

function cell(value: unknown): string {
  if (value === null) return '∅'
  const text =
    value instanceof Date
      ? value.toISOString()
      : Buffer.isBuffer(value)
        ? `\\x${value.toString('hex')}`
        : typeof value === 'object'
          ? JSON.stringify(value)
          : String(value)
  const line = printable(text.replace(/\s+/g, ' '))
  return line.length > cellCharactersMax ? `${line.slice(0, cellCharactersMax - 1)}…` : line
}

const counted = (rows: number): string => (rows === 1 ? '1 row' : `${rows} rows`)
