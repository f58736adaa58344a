/**
 * Orders that a system is to have stored: completed ones are copied, in every service's tables, under new ids and new
 * customers, until there are as many as asked for. Ids get older the further the copy, as a history's would be.
 */
import { Databases } from '@svyaz/observe/databases.ts'

/** Of the inbox and the outbox, which forget after a week: as if that many of the orders were of this week. */
export const recentMax = 100_000

interface Copied {
  readonly database: string
  readonly table: string
  /** Which rows are copied. */
  readonly where: string
  /** New values of these columns; `n` counts the copies from 1. All others are kept. */
  readonly changed: Readonly<Record<string, string>>
  /** Whether only the last {@link recentMax} orders have such rows. */
  readonly recent?: boolean
}

/** The first 48 bits of a UUIDv7 are its time in ms (RFC 9562, 5.7): an hour older a copy; the rest is new. */
const older = (column: string) =>
  `(lpad(to_hex(('x' || substr(replace(${column}::text, '-', ''), 1, 12))::bit(48)::bigint - n * 3600000::bigint), 12, '0') || substr(md5(${column}::text || n), 1, 20))::uuid`
const another = (column: string) => `md5(${column}::text || n)::uuid`
const suffixed = (column: string) => `${column} || '-' || n`

const services = ['orders', 'inventory', 'payments', 'delivery', 'notifications'] as const

const copied: readonly Copied[] = [
  {
    database: 'orders',
    table: 'orders',
    where: "status = 'completed'",
    changed: { id: older('id'), user_id: another('user_id'), idempotency_key: suffixed('idempotency_key') },
  },
  {
    database: 'orders',
    table: 'order_told',
    where: 'true',
    changed: { order_id: older('order_id'), event_id: suffixed('event_id') },
  },
  {
    database: 'inventory',
    table: 'reservations',
    where: "state <> 'waiting'",
    changed: { order_id: older('order_id') },
  },
  {
    database: 'payments',
    table: 'payments',
    where: 'intent IS NULL',
    changed: { order_id: older('order_id'), user_id: another('user_id') },
  },
  {
    database: 'delivery',
    table: 'deliveries',
    where: 'due_at IS NULL',
    changed: {
      order_id: older('order_id'),
      user_id: another('user_id'),
      tracking_number: suffixed('tracking_number'),
    },
  },
  {
    database: 'notifications',
    table: 'frames',
    where: 'sent_at IS NOT NULL',
    changed: { user_id: another('user_id'), event_id: suffixed('event_id'), order_id: older('order_id') },
  },
  {
    database: 'notifications',
    table: 'mails',
    where: "status = 'sent'",
    changed: { event_id: suffixed('event_id'), user_id: another('user_id'), order_id: older('order_id') },
  },
  ...services.flatMap((database): Copied[] => [
    { database, table: 'svyaz_inbox', where: 'true', changed: { event_id: suffixed('event_id') }, recent: true },
    {
      database,
      table: 'svyaz_outbox',
      where: 'sent_at IS NOT NULL',
      changed: { id: suffixed('id'), position: "nextval(pg_get_serial_sequence('svyaz_outbox', 'position'))" },
      recent: true,
    },
  ]),
]

/** Orders copied by one statement: so that none runs for minutes. */
const ordersAtOnce = 20_000

export class StoredOrders implements AsyncDisposable {
  readonly #databases: Databases
  readonly #say: (line: string) => void
  #copies = 0
  #originals = 0

  private constructor(databases: Databases, say: (line: string) => void) {
    this.#databases = databases
    this.#say = say
  }

  /**
   * Keeps what is completed now as what copies are made of.
   * @param urlOf connection string of a service's database
   * @throws Error when no order is completed
   */
  static async open(urlOf: (service: string) => string, say: (line: string) => void): Promise<StoredOrders> {
    const stored = new StoredOrders(new Databases(urlOf), say)
    for (const { database, table, where } of copied)
      await stored.#databases.rows(database, `CREATE TABLE growth_${table} AS SELECT * FROM ${table} WHERE ${where}`)
    const [row] = await stored.#databases.rows<{ count: number }>(
      'orders',
      'SELECT count(*)::int AS count FROM growth_orders',
    )
    stored.#originals = row?.count ?? 0
    if (stored.#originals === 0) throw new Error('no order is completed: nothing to copy')
    return stored
  }

  /** Makes copies until as many orders are stored, at least; then statistics, so that no vacuum comes in between. */
  async fill(wanted: number): Promise<void> {
    const copies = Math.max(this.#copies, Math.ceil(wanted / this.#originals) - 1)
    const recentCopies = Math.ceil(recentMax / this.#originals)
    const atOnce = Math.ceil(ordersAtOnce / this.#originals)
    for (const rows of copied) {
      const last = rows.recent ? Math.min(copies, recentCopies) : copies
      if (last <= this.#copies) continue
      this.#say(`${rows.database}.${rows.table}: ${last - this.#copies} copies of ${this.#originals} orders' rows`)
      for (let from = this.#copies + 1; from <= last; from += atOnce)
        await this.#copy(rows, from, Math.min(last, from + atOnce - 1))
      await this.#databases.rows(rows.database, `VACUUM ANALYZE ${rows.table}`)
    }
    this.#copies = copies
  }

  /** How many orders there are, and how large all the tables with their indexes, in bytes. */
  async size(): Promise<{ orders: number; bytes: number }> {
    const [row] = await this.#databases.rows<{ count: number }>('orders', 'SELECT count(*)::int AS count FROM orders')
    let bytes = 0
    for (const { database, table } of copied) {
      const [size] = await this.#databases.rows<{ bytes: number }>(
        database,
        `SELECT pg_total_relation_size('${table}')::float8 AS bytes`,
      )
      bytes += size?.bytes ?? 0
    }
    return { orders: row?.count ?? 0, bytes }
  }

  async #copy({ database, table, changed }: Copied, from: number, to: number): Promise<void> {
    const columns = await this.#databases.rows<{ name: string }>(
      database,
      `SELECT column_name AS name FROM information_schema.columns
       WHERE table_schema = current_schema() AND table_name = $1 ORDER BY ordinal_position`,
      [table],
    )
    const names = columns.map(({ name }) => name)
    const overriding = names.includes('position') ? 'OVERRIDING SYSTEM VALUE' : ''
    await this.#databases.rows(
      database,
      `INSERT INTO ${table} (${names.join(', ')}) ${overriding}
       SELECT ${names.map((name) => changed[name] ?? name).join(', ')}
       FROM growth_${table}, generate_series(${from}::int, ${to}::int) AS n`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#databases[Symbol.asyncDispose]()
  }
}
