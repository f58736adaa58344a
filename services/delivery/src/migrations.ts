import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-deliveries',
    sql: `
      CREATE TABLE deliveries (
        order_id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        status text NOT NULL,
        method text NOT NULL,
        tracking_number text NOT NULL UNIQUE,
        version integer NOT NULL,
        due_at timestamptz,
        shipped_at timestamptz,
        traceparent text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
      );
      CREATE INDEX deliveries_due ON deliveries (due_at) WHERE due_at IS NOT NULL;
    `,
  },
]
