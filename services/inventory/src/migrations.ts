import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-inventory',
    sql: `
      CREATE TABLE products (
        id text PRIMARY KEY,
        name text NOT NULL,
        category text NOT NULL,
        description text NOT NULL,
        price_minor bigint NOT NULL CHECK (price_minor >= 0)
      );
      CREATE TABLE stock (
        product_id text PRIMARY KEY REFERENCES products,
        available integer NOT NULL CHECK (available >= 0),
        reserved integer NOT NULL CHECK (reserved >= 0),
        sold integer NOT NULL CHECK (sold >= 0),
        -- Initial + restocked: the other three always add up to it.
        stocked integer NOT NULL,
        version integer NOT NULL DEFAULT 1,
        CHECK (available + reserved + sold = stocked)
      );
      CREATE TABLE reservations (
        order_id uuid PRIMARY KEY,
        items_version integer NOT NULL,
        state text NOT NULL,
        items jsonb NOT NULL,
        due_at timestamptz NOT NULL,
        traceparent text
      );
      CREATE INDEX reservations_due ON reservations (due_at) WHERE state = 'waiting';
      CREATE TABLE restocks (
        key text PRIMARY KEY,
        product_id text NOT NULL,
        quantity integer NOT NULL,
        result jsonb NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now()
      );
    `,
  },
]
