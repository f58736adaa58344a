import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-notifications',
    sql: `
      -- The row whose lock orders a user's frames: cursors have no gap and appear in order.
      CREATE TABLE feeds (
        user_id uuid PRIMARY KEY,
        last_cursor bigint NOT NULL
      );
      CREATE TABLE frames (
        user_id uuid NOT NULL,
        cursor bigint NOT NULL,
        event_id text NOT NULL,
        kind text NOT NULL,
        order_id uuid,
        title text NOT NULL,
        detail text,
        at timestamptz NOT NULL,
        traceparent text,
        -- When an open WebSocket first took it.
        sent_at timestamptz,
        PRIMARY KEY (user_id, cursor)
      );
      CREATE TABLE mails (
        event_id text PRIMARY KEY,
        user_id uuid NOT NULL,
        order_id uuid,
        kind text NOT NULL,
        subject text NOT NULL,
        body text NOT NULL,
        status text NOT NULL DEFAULT 'waiting' CHECK (status IN ('waiting', 'sent', 'undeliverable')),
        attempts integer NOT NULL DEFAULT 0,
        lease_until timestamptz,
        fencing_token bigint NOT NULL DEFAULT 0,
        next_attempt_at timestamptz NOT NULL DEFAULT now(),
        traceparent text,
        created_at timestamptz NOT NULL DEFAULT now(),
        sent_at timestamptz
      );
      CREATE INDEX mails_due ON mails (next_attempt_at) WHERE status = 'waiting';
    `,
  },
]
