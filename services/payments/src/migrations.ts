import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-payments',
    sql: `
      CREATE TABLE payments (
        order_id uuid PRIMARY KEY,
        user_id uuid NOT NULL,
        status text NOT NULL,
        amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
        method text NOT NULL,
        intent text,
        version integer NOT NULL DEFAULT 0,
        attempts integer NOT NULL DEFAULT 0,
        worker text,
        -- The lease: whose it is until when (database time), and the token that its result must still hold.
        lease_until timestamptz,
        fencing_token bigint NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        reason text,
        processor_id text,
        traceparent text,
        created_at timestamptz NOT NULL,
        updated_at timestamptz NOT NULL
      );
      CREATE INDEX payments_due ON payments (next_attempt_at) WHERE intent IS NOT NULL;
      CREATE TABLE user_standing (
        user_id uuid PRIMARY KEY,
        version integer NOT NULL,
        blocked boolean NOT NULL
      );
    `,
  },
]
