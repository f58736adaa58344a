/** The tables of orders: one JSON document per order, with what must be found by SQL beside it (reliability rules 4 and 8). */
import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-orders',
    sql: `
      CREATE TABLE orders (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        idempotency_key text NOT NULL,
        body_hash text NOT NULL,
        status text NOT NULL,
        revision bigint NOT NULL,
        pending_since timestamptz,
        document jsonb NOT NULL,
        UNIQUE (user_id, idempotency_key)
      );
      -- Ids are UUIDv7: by id is by time.
      CREATE INDEX orders_by_user ON orders (user_id, id DESC);
      CREATE INDEX orders_pending ON orders (pending_since, id) WHERE pending_since IS NOT NULL;
      CREATE TABLE user_standing (
        user_id uuid PRIMARY KEY,
        version integer NOT NULL,
        blocked boolean NOT NULL
      );
    `,
  },
  {
    id: '0002-payment-calls',
    sql: `
      -- Orders that wait for the answer of ProcessPayment: few, and looked for often.
      CREATE INDEX orders_calling ON orders (id) WHERE document #>> '{order,paymentStep}' = 'calling';
    `,
  },
  {
    id: '0003-told',
    sql: `
      -- What is told of an order and decides nothing: appended, never read to change the order.
      CREATE TABLE order_told (
        order_id uuid NOT NULL,
        event_id text NOT NULL,
        at timestamptz NOT NULL,
        step jsonb NOT NULL,
        PRIMARY KEY (order_id, event_id)
      );
    `,
  },
  {
    id: '0004-under-way',
    sql: `
      -- Orders on their way to being paid: counted often, before one more is accepted.
      CREATE INDEX orders_under_way ON orders (id) WHERE status IN ('pending', 'processing');
    `,
  },
  {
    id: '0005-by-status',
    sql: `
      -- Operators look for orders by status and age. Most are completed: those are found by id alone, and aren't in it.
      CREATE INDEX orders_by_status ON orders (status, id) WHERE status <> 'completed';
      -- The same orders, found by status.
      DROP INDEX orders_under_way;
    `,
  },
]
