import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-relay',
    sql: `
      CREATE TABLE sessions (
        session_id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        status text NOT NULL CHECK (status IN ('running', 'stopping', 'finished', 'interrupted')),
        -- Ids are unique over all sessions: each session begins where the one before can't have come.
        first_id bigint NOT NULL,
        interval_seconds double precision NOT NULL,
        in_flight integer NOT NULL,
        payload_bytes integer NOT NULL,
        started_at timestamptz NOT NULL,
        ended_at timestamptz,
        -- Of a finished session.
        generated bigint,
        stored bigint,
        hops jsonb,
        -- Of an interrupted one: what was stored when MC1 came back, and all that may have been under way.
        generated_max bigint
      );
      CREATE TABLE messages (
        session_id integer NOT NULL,
        id bigint NOT NULL,
        mc1_timestamp timestamptz NOT NULL,
        mc2_timestamp timestamptz NOT NULL,
        mc3_timestamp timestamptz NOT NULL,
        end_timestamp timestamptz NOT NULL,
        PRIMARY KEY (session_id, id)
      );
    `,
  },
  {
    // A sequence of PostgreSQL may skip up to 32 numbers after a crash; sessions are counted without a gap.
    id: '0002-sessions-without-gaps',
    sql: 'ALTER TABLE sessions ALTER COLUMN session_id DROP IDENTITY',
  },
]
