import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-config',
    sql: `
      CREATE TABLE properties (
        application text NOT NULL,
        profile text NOT NULL,
        name text NOT NULL,
        value jsonb NOT NULL,
        PRIMARY KEY (application, profile, name)
      );
      -- Every value that a property had; a null value took it away. Its id is the version that clients see.
      CREATE TABLE history (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        application text NOT NULL,
        profile text NOT NULL,
        name text NOT NULL,
        value jsonb,
        at timestamptz NOT NULL,
        by text NOT NULL,
        comment text
      );
      CREATE INDEX history_of ON history (application, profile, id DESC);
      CREATE TABLE schemas (
        application text PRIMARY KEY,
        schema jsonb NOT NULL,
        defaults jsonb NOT NULL,
        revision integer NOT NULL,
        published_at timestamptz NOT NULL
      );
    `,
  },
]
