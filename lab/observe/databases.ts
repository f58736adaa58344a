/** Reads of every service's own database, from outside of the service. */
import type { StoryCode, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import pg from 'pg'
import type { InboxFact, MailFact, OrderFact, OrderRecord, OutboxFact, PaymentFact, StockFact } from './snapshot.ts'

export const databases = ['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications', 'config'] as const

export interface EndState {
  orders: OrderFact[]
  orderRecords: OrderRecord[]
  payments: PaymentFact[]
  stock: StockFact[]
  reservations: { orderId: string; state: string }[]
  mails: (MailFact & { eventId: string })[]
  frames: { userId: string; cursor: number; eventId: string }[]
  lastCursors: Map<string, number>
  outbox: OutboxFact[]
  inbox: InboxFact[]
}

const finals = statusesThat('final')
  .map((status) => `'${status}'`)
  .join(', ')

export class Databases implements AsyncDisposable {
  readonly #urlOf: (service: string) => string | Promise<string>
  readonly #pools = new Map<string, Promise<pg.Pool>>()

  /** @param urlOf connection string of a service's database */
  constructor(urlOf: (service: string) => string | Promise<string>) {
    this.#urlOf = urlOf
  }

  /** Rows of a service's own database. Keys come as the columns are called. */
  // biome-ignore lint/suspicious/noExplicitAny: each query has its own columns
  async rows<Row = any>(service: string, sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    let pool = this.#pools.get(service)
    if (pool === undefined) {
      pool = this.#open(service)
      this.#pools.set(service, pool)
      pool.catch(() => this.#pools.delete(service))
    }
    return (await (await pool).query(sql, [...values])).rows as Row[]
  }

  async #open(service: string): Promise<pg.Pool> {
    const connectionString = await this.#urlOf(service)
    const pool = new pg.Pool({ connectionString, max: 2, connectionTimeoutMillis: 5_000 })
    // PostgreSQL is killed too: the next read connects again.
    pool.on('error', () => {})
    return pool
  }

  payments(): Promise<PaymentFact[]> {
    return this.rows(
      'payments',
      'SELECT order_id AS "orderId", status, amount_minor::float8 AS "amountMinor" FROM payments',
    )
  }

  reservations(): Promise<{ orderId: string; state: string }[]> {
    return this.rows('inventory', 'SELECT order_id AS "orderId", state FROM reservations')
  }

  /** Mails that notifications decided to send. */
  mails(): Promise<(MailFact & { eventId: string })[]> {
    return this.rows(
      'notifications',
      `SELECT event_id AS "eventId", '<' || event_id || '@svyaz.local>' AS "messageId", status FROM mails`,
    )
  }

  /** Cursor of each user's last frame. */
  async lastCursors(): Promise<Map<string, number>> {
    const feeds = await this.rows<{ user_id: string; last_cursor: string }>('notifications', 'SELECT * FROM feeds')
    return new Map(feeds.map((row) => [row.user_id, Number(row.last_cursor)]))
  }

  /** Stock at one moment. */
  stock(): Promise<StockFact[]> {
    return this.rows<StockFact>(
      'inventory',
      'SELECT product_id AS "productId", available, reserved, sold, stocked FROM stock ORDER BY product_id',
    )
  }

  async ordersInFlight(): Promise<number> {
    const [row] = await this.rows<{ count: string }>(
      'orders',
      `SELECT count(*) FROM orders WHERE status NOT IN (${finals})`,
    )
    return Number(row!.count)
  }

  /** What is not finished, in words; empty = quiet. */
  async unfinished(): Promise<string[]> {
    const open = await this.rows<{ id: string; status: string; step: string }>(
      'orders',
      `SELECT id, status, document #>> '{order,paymentStep}' AS step FROM orders
       WHERE status NOT IN (${finals})`,
    )
    const payments = await this.rows<{ order_id: string; status: string; intent: string }>(
      'payments',
      'SELECT order_id, status, intent FROM payments WHERE intent IS NOT NULL',
    )
    const reservations = await this.rows<{ order_id: string; state: string }>(
      'inventory',
      `SELECT order_id, state FROM reservations WHERE state IN ('waiting', 'reserved')`,
    )
    const mails = await this.rows<{ event_id: string; attempts: number }>(
      'notifications',
      `SELECT event_id, attempts FROM mails WHERE status = 'waiting'`,
    )
    const unsent = await this.#everywhere<{ service: string; id: string; topic: string }>(
      'SELECT id, topic FROM svyaz_outbox WHERE sent_at IS NULL',
    )
    return [
      ...open.map(({ id, status, step }) => `order ${id} is ${status}, its payment ${step}`),
      ...payments.map((row) => `payment of ${row.order_id} is ${row.status} and to be ${row.intent}`),
      ...reservations.map((row) => `reservation of ${row.order_id} is ${row.state}`),
      ...mails.map((row) => `mail of event ${row.event_id} waits after ${row.attempts} attempts`),
      ...unsent.map(({ service, id, topic }) => `outbox of ${service}: ${id} for ${topic}`),
    ]
  }

  /** An order's story, for a reader who asks why it is where it is. */
  async storyOf(orderId: string): Promise<string> {
    const [row] = await this.rows<{ steps: StoryStep[] }>(
      'orders',
      `SELECT document #> '{order,history}' AS steps FROM orders WHERE id = $1`,
      [orderId],
    )
    return (row?.steps ?? [])
      .map(({ at, service, code, data }) => `    ${at} ${service}: ${code} ${JSON.stringify(data)}`)
      .join('\n')
  }

  /** Everything that is judged at the end. */
  async endState(): Promise<EndState> {
    // biome-ignore lint/suspicious/noExplicitAny: the document is orders' own
    const documents = await this.rows<any>(
      'orders',
      'SELECT id, user_id, idempotency_key, status, document FROM orders ORDER BY id',
    )
    const tellings = await this.rows<{ order_id: string; event_id: string; step: StoryStep }>(
      'orders',
      'SELECT order_id, event_id, step FROM order_told ORDER BY at, event_id',
    )
    const told = Map.groupBy(tellings, ({ order_id }) => order_id)
    return {
      orders: documents.map(({ id, user_id, idempotency_key, status, document: { order } }) => ({
        id,
        userId: user_id,
        key: idempotency_key,
        status,
        version: order.version,
        totalMinor: order.total.amountMinor,
        items: order.items.map((item: { productId: string; quantity: number }) => ({
          productId: item.productId,
          quantity: item.quantity,
        })),
      })),
      orderRecords: documents.map(({ id, document }) => ({
        orderId: id,
        handled: [...document.handled, ...(told.get(id) ?? []).map(({ event_id }) => event_id)],
        story: [...document.order.history, ...(told.get(id) ?? []).map(({ step }) => step)].map(
          ({ code, eventId }: { code: StoryCode; eventId?: string }) => ({
            code,
            ...(eventId === undefined ? {} : { eventId }),
          }),
        ),
      })),
      payments: await this.payments(),
      stock: await this.stock(),
      reservations: await this.reservations(),
      mails: await this.mails(),
      frames: (await this.rows('notifications', 'SELECT user_id, cursor, event_id FROM frames')).map((row) => ({
        userId: row.user_id,
        cursor: Number(row.cursor),
        eventId: row.event_id,
      })),
      lastCursors: await this.lastCursors(),
      outbox: await this.#everywhere<OutboxFact>(
        `SELECT position::float8, id AS "eventId", topic, key, sent_at IS NOT NULL AS sent FROM svyaz_outbox ORDER BY position`,
      ),
      inbox: await this.#everywhere<InboxFact>('SELECT consumer, event_id AS "eventId", state FROM svyaz_inbox'),
    }
  }

  /** Rows of a table that each database has, with the service whose they are. */
  async #everywhere<Fact extends { service: string }>(sql: string): Promise<Fact[]> {
    const lists = await Promise.all(
      databases.map(async (service) => (await this.rows(service, sql)).map((row) => ({ service, ...row }) as Fact)),
    )
    return lists.flat()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#pools.values()].map(async (pool) => (await pool).end()))
  }
}
