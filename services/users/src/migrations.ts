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
  {
    id: '0004-openid-connect',
    sql: `
      -- What the OpenID provider keeps: sign-ins of browsers, grants, codes, tokens. A grant is a session: its id is that
      -- of a row in token_families, so that whatever ends sessions ends it too.
      CREATE TABLE oidc_records (
        kind text NOT NULL,
        -- SHA-256 of the id, which for codes and tokens is the secret itself.
        id_hash bytea NOT NULL,
        session_uid text,
        grant_id uuid,
        account_id uuid,
        payload jsonb NOT NULL,
        used_at timestamptz,
        -- What was answered to a refresh token, sealed with a key made of that token; taken out when the grace is over.
        successor bytea,
        expires_at timestamptz NOT NULL,
        PRIMARY KEY (kind, id_hash)
      );
      CREATE INDEX oidc_records_expiry ON oidc_records (expires_at);
      CREATE INDEX oidc_records_session ON oidc_records (session_uid) WHERE session_uid IS NOT NULL;
      CREATE INDEX oidc_records_grant ON oidc_records (grant_id) WHERE grant_id IS NOT NULL;
      CREATE INDEX oidc_records_account ON oidc_records (account_id, kind) WHERE account_id IS NOT NULL;
      CREATE INDEX oidc_records_of_nobody ON oidc_records (kind, expires_at) WHERE account_id IS NULL;
      CREATE INDEX oidc_records_sealed ON oidc_records (used_at) WHERE successor IS NOT NULL;
      CREATE TABLE oidc_clients (
        id text PRIMARY KEY,
        name text NOT NULL,
        -- SHA-256; none of a public client, which proves itself by PKCE alone.
        secret_hash bytea,
        redirect_uris text[] NOT NULL,
        signed_out_uris text[] NOT NULL,
        -- Whom its own tokens (client credentials) speak for; none when it has no such grant.
        user_id uuid REFERENCES users,
        created_at timestamptz NOT NULL
      );
      -- Keys that sign ID tokens: private JWKs, sealed with a key made of the service's own.
      CREATE TABLE oidc_keys (
        id text PRIMARY KEY,
        sealed bytea NOT NULL,
        created_at timestamptz NOT NULL,
        withdrawn boolean NOT NULL DEFAULT false
      );
    `,
  },
]
