/** The kit's own tables: what is to be sent, and what was handled (reliability rules 2 and 3). */
import type { Migration } from '../api.ts'

export const ownMigrations: readonly Migration[] = [
  {
    id: 'kit-0001-outbox',
    // `position` orders; a row is unsent while sent_at is null, and only such rows are in the index.
    sql: `create table svyaz_outbox (
            position bigint generated always as identity primary key,
            id text not null unique,
            topic text not null,
            type text not null,
            key text not null,
            subject text not null,
            data json not null,
            time timestamptz not null,
            traceparent text,
            sent_at timestamptz
          );
          create index svyaz_outbox_unsent on svyaz_outbox (position) where sent_at is null;
          create index svyaz_outbox_sent on svyaz_outbox (sent_at) where sent_at is not null;`,
  },
  {
    id: 'kit-0002-inbox',
    // state: done = the effect is committed; dead = it went to the dead letters and only a replay may handle it.
    sql: `create table svyaz_inbox (
            consumer text not null,
            event_id text not null,
            type text not null,
            state text not null default 'done' check (state in ('done', 'dead')),
            handled_at timestamptz not null default now(),
            primary key (consumer, event_id)
          );
          create index svyaz_inbox_handled on svyaz_inbox (handled_at);`,
  },
]
