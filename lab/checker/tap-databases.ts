/** Consistent reads of every service's database, each in one transaction. */
import type { StoryCode, StoryStep } from '@svyaz/contracts/http/order-story.ts'
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import pg from 'pg'
import type { InboxFact, OrderRecord, OutboxFact } from './evidence.ts'
import type { MailFact, OrderFact, PaymentFact, StockFact } from './snapshot.ts'

export const databases = ['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications', 'config'] as const
export type DatabaseName = (typeof databases)[number]

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

export class DatabaseTap implements AsyncDisposable {
  readonly #pools: ReadonlyMap<DatabaseName, pg.Pool>

  constructor(urlOf: (service: string) => string) {
    this.#pools = new Map(
      databases.map((name) => {
        const pool = new pg.Pool({ connectionString: urlOf(name), max: 2, connectionTimeoutMillis: 2_000 })
        // PostgreSQL is killed too: the next read connects again.
        pool.on('error', () => {})
        return [name, pool]
      }),
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: each query has its own columns
  async rows<Row = any>(database: DatabaseName, sql: string, values: unknown[] = []): Promise<Row[]> {
    return (await this.#pools.get(database)!.query(sql, values)).rows as Row[]
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
    const waiting = await this.rows<{ id: string }>('orders', 'SELECT id FROM orders WHERE pending_since IS NOT NULL')
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
    const outboxes = await Promise.all(
      databases.map(async (name) =>
        (
          await this.rows<{ id: string; topic: string }>(
            name,
            'SELECT id, topic FROM svyaz_outbox WHERE sent_at IS NULL',
          )
        ).map(({ id, topic }) => `outbox of ${name}: ${id} for ${topic}`),
      ),
    )
    return [
      ...open.map(({ id, status, step }) => `order ${id} is ${status}, its payment ${step}`),
      ...waiting.map(({ id }) => `order ${id} has events that were not sent`),
      ...payments.map((row) => `payment of ${row.order_id} is ${row.status} and to be ${row.intent}`),
      ...reservations.map((row) => `reservation of ${row.order_id} is ${row.state}`),
      ...mails.map((row) => `mail of event ${row.event_id} waits after ${row.attempts} attempts`),
      ...outboxes.flat(),
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
    const feeds = await this.rows<{ user_id: string; last_cursor: string }>('notifications', 'SELECT * FROM feeds')
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
      payments: (await this.rows('payments', 'SELECT order_id, status, amount_minor FROM payments')).map((row) => ({
        orderId: row.order_id,
        status: row.status,
        amountMinor: Number(row.amount_minor),
      })),
      stock: await this.stock(),
      reservations: (await this.rows('inventory', 'SELECT order_id, state FROM reservations')).map((row) => ({
        orderId: row.order_id,
        state: row.state,
      })),
      mails: (await this.rows('notifications', 'SELECT event_id, status FROM mails')).map((row) => ({
        eventId: row.event_id,
        messageId: `<${row.event_id}@svyaz.local>`,
        status: row.status,
      })),
      frames: (await this.rows('notifications', 'SELECT user_id, cursor, event_id FROM frames')).map((row) => ({
        userId: row.user_id,
        cursor: Number(row.cursor),
        eventId: row.event_id,
      })),
      lastCursors: new Map(feeds.map((row) => [row.user_id, Number(row.last_cursor)])),
      outbox: (
        await Promise.all(
          databases.map(async (service) =>
            (
              await this.rows(service, 'SELECT position, id, topic, key, sent_at FROM svyaz_outbox ORDER BY position')
            ).map((row) => ({
              service,
              position: Number(row.position),
              eventId: row.id,
              topic: row.topic,
              key: row.key,
              sent: row.sent_at !== null,
            })),
          ),
        )
      ).flat(),
      inbox: (
        await Promise.all(
          databases.map(async (service) =>
            (
              await this.rows(service, 'SELECT consumer, event_id, state FROM svyaz_inbox')
            ).map((row) => ({
              service,
              consumer: row.consumer,
              eventId: row.event_id,
              state: row.state,
            })),
          ),
        )
      ).flat(),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled([...this.#pools.values()].map((pool) => pool.end()))
  }
}
