import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-users',
    sql: `
      CREATE TABLE users (
        id uuid PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email = lower(email)),
        name text NOT NULL,
        password_hash text NOT NULL,
        roles text[] NOT NULL,
        status text NOT NULL CHECK (status IN ('active', 'blocked')),
        -- Counts the published events of this user.
        version integer NOT NULL,
        created_at timestamptz NOT NULL
      );
      -- Who somebody is at an identity provider → our user, so that another provider needs no rewrite.
      CREATE TABLE identities (
        issuer text NOT NULL,
        subject text NOT NULL,
        user_id uuid NOT NULL REFERENCES users,
        PRIMARY KEY (issuer, subject)
      );
      -- A login starts a family; every refresh stays in it; a refresh token used twice revokes it (RFC 9700, 4.14).
      CREATE TABLE token_families (
        id uuid PRIMARY KEY,
        user_id uuid NOT NULL REFERENCES users,
        created_at timestamptz NOT NULL,
        revoked_at timestamptz
      );
      CREATE INDEX token_families_by_user ON token_families (user_id) WHERE revoked_at IS NULL;
      CREATE TABLE tokens (
        -- SHA-256 of the token: a copy of this table opens nothing.
        hash bytea PRIMARY KEY,
        kind text NOT NULL CHECK (kind IN ('access', 'refresh')),
        family_id uuid NOT NULL REFERENCES token_families,
        issued_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        used_at timestamptz
      );
      CREATE INDEX tokens_expiry ON tokens (expires_at);
      CREATE TABLE login_failures (
        subject text PRIMARY KEY,
        failures integer NOT NULL,
        window_ends_at timestamptz NOT NULL
      );
    `,
  },
  {
    id: '0002-login-throttle',
    sql: `
      -- Subjects are hashes from here on, and a window that began under a readable one is not worth translating.
      DELETE FROM login_failures;
      ALTER TABLE login_failures ADD COLUMN last_at timestamptz NOT NULL DEFAULT now();
      -- Where an account has signed in from: SHA-256 of its e-mail and the client's address. Guesses from elsewhere
      -- never lock these out.
      CREATE TABLE known_places (
        user_id uuid NOT NULL REFERENCES users,
        place bytea NOT NULL,
        last_login_at timestamptz NOT NULL,
        PRIMARY KEY (user_id, place)
      );
      CREATE INDEX known_places_age ON known_places (last_login_at);
    `,
  },
  {
    id: '0003-refresh-grace',
    sql: `
      -- With the refresh token itself it makes the tokens that followed on it, so that they can be given again; taken out
      -- when the grace is over.
      ALTER TABLE tokens ADD COLUMN successor_salt bytea;
      CREATE INDEX tokens_salted ON tokens (used_at) WHERE successor_salt IS NOT NULL;
    `,
  },
]
