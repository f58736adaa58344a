/** Sessions and messages in PostgreSQL. */
import { type RelayMessage, relayLimits } from '@svyaz/contracts/events/relay.ts'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import type { Database } from '@svyaz/kit'
import { CompiledQuery, sql } from 'kysely'
import type { Settings } from './config.ts'
import { type Hops, hopNames } from './hops.ts'

interface SessionRow {
  session_id: number
  status: RelaySession['status']
  first_id: string
  interval_seconds: number
  in_flight: number
  payload_bytes: number
  started_at: Date
  ended_at: Date | null
  generated: string | null
  stored: string | null
  hops: Hops | null
  generated_max: string | null
}

const insertMessages = `
  INSERT INTO messages (session_id, id, mc1_timestamp, mc2_timestamp, mc3_timestamp, end_timestamp)
  SELECT * FROM unnest($1::integer[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
  ON CONFLICT DO NOTHING`

/** Sessions and messages in PostgreSQL. */
export class RelayStorage {
  readonly #database: Database<unknown>

  constructor(database: Database<unknown>) {
    this.#database = database
  }

  /** A new session, running. Its first id lies beyond all that may have been made before. */
  async begin(
    { intervalSeconds, inFlight, payloadBytes }: Settings,
    startedAt: string,
  ): Promise<{ session: RelaySession; firstId: number }> {
    const { rows } = await sql<SessionRow>`
      INSERT INTO sessions (session_id, status, first_id, interval_seconds, in_flight, payload_bytes, started_at)
      SELECT coalesce(max(session_id), 0) + 1, 'running',
        coalesce(max(first_id + coalesce(generated, generated_max, 0)), 1),
        ${intervalSeconds}, ${inFlight}, ${payloadBytes}, ${startedAt}
      FROM sessions
      RETURNING *`.execute(this.#database.query)
    const [row] = rows
    if (!row) throw new Error('the new session was not returned')
    return { session: sessionView(row, 0, null), firstId: Number(row.first_id) }
  }

  /** Stores messages, each once, in one statement and one commit. All four stamps are there. */
  async write(messages: readonly RelayMessage[]): Promise<void> {
    const statement = CompiledQuery.raw(insertMessages, [
      messages.map((message) => message.session_id),
      messages.map((message) => message.id),
      messages.map((message) => message.MC1_timestamp),
      messages.map((message) => message.MC2_timestamp),
      messages.map((message) => message.MC3_timestamp),
      messages.map((message) => message.end_timestamp),
    ])
    await this.#database.query.executeQuery(statement)
  }

  /** Counts what is stored, measures the hops, and closes the session. */
  async finish(sessionId: number, generated: number, endedAt: string): Promise<RelaySession> {
    const stored = await countStored(this.#database, sessionId)
    const hops = await measureHops(this.#database, sessionId)
    const { rows } = await sql<SessionRow>`
      UPDATE sessions SET status = 'finished', ended_at = ${endedAt}, generated = ${generated}, stored = ${stored},
        hops = ${hops === null ? null : JSON.stringify(hops)}::jsonb
      WHERE session_id = ${sessionId} RETURNING *`.execute(this.#database.query)
    const [row] = rows
    if (!row) throw new Error(`session ${sessionId} is not in the database`)
    return sessionView(row, stored, null)
  }

  /** Whatever runs by the table did not survive; says which sessions. */
  async interruptRunning(): Promise<number[]> {
    // At most `in_flight` messages were made and not stored, so no id can lie beyond these.
    const { rows } = await sql<{ session_id: number }>`
      UPDATE sessions SET status = 'interrupted',
        ended_at = coalesce((SELECT max(end_timestamp) FROM messages WHERE messages.session_id = sessions.session_id), started_at),
        generated_max = in_flight + (SELECT count(*) FROM messages WHERE messages.session_id = sessions.session_id)
      WHERE status IN ('running', 'stopping') RETURNING session_id`.execute(this.#database.query)
    return rows.map((row) => row.session_id)
  }

  /** The highest session number that was ever given. */
  async lastSession(): Promise<number> {
    const { rows } = await sql<{ last: number }>`SELECT coalesce(max(session_id), 0) AS last FROM sessions`.execute(
      this.#database.query,
    )
    return rows[0]?.last ?? 0
  }

  /** The latest first, a limited number of them. */
  async list(): Promise<RelaySession[]> {
    const found = await this.#rows(sql`ORDER BY session_id DESC LIMIT ${relayLimits.sessionsListed}`)
    return Promise.all(found.map((row) => this.#view(row)))
  }

  async find(sessionId: number): Promise<RelaySession | undefined> {
    const [row] = await this.#rows(sql`WHERE session_id = ${sessionId}`)
    return row && this.#view(row)
  }

  async #rows(condition: ReturnType<typeof sql>): Promise<SessionRow[]> {
    const { rows } = await sql<SessionRow>`SELECT * FROM sessions ${condition}`.execute(this.#database.query)
    return rows
  }

  async #view(row: SessionRow): Promise<RelaySession> {
    if (row.status === 'finished') return sessionView(row, Number(row.stored), null)
    const stored = await countStored(this.#database, row.session_id)
    return sessionView(row, stored, row.status === 'interrupted' ? await findMissing(this.#database, row) : null)
  }
}

const countStored = async (database: Database<unknown>, sessionId: number): Promise<number> => {
  const { rows } = await sql<{
    count: string
  }>`SELECT count(*) AS count FROM messages WHERE session_id = ${sessionId}`.execute(database.query)
  return Number(rows[0]?.count)
}

/** p50 and p99 of each hop in µs over all messages of a session. */
const measureHops = async (database: Database<unknown>, sessionId: number): Promise<Hops | null> => {
  const { rows } = await sql<Record<(typeof hopNames)[number], number[] | null>>`
    SELECT ${sql.join(
      [
        ['mc1ToMc2', 'mc1_timestamp', 'mc2_timestamp'],
        ['mc2ToMc3', 'mc2_timestamp', 'mc3_timestamp'],
        ['mc3ToMc1', 'mc3_timestamp', 'end_timestamp'],
        ['total', 'mc1_timestamp', 'end_timestamp'],
      ].map(
        ([name, from, to]) =>
          sql`percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY (extract(epoch FROM ${sql.ref(to ?? '')} - ${sql.ref(from ?? '')}) * 1000000)::integer) AS ${sql.ref(name ?? '')}`,
      ),
    )}
    FROM messages WHERE session_id = ${sessionId}`.execute(database.query)
  const [row] = rows
  if (!row?.total) return null
  return Object.fromEntries(
    hopNames.map((name) => [name, { p50: row[name]?.[0] ?? 0, p99: row[name]?.[1] ?? 0 }]),
  ) as Hops
}

/** Ids of an interrupted session that may have been made and are not there, as ranges. */
const findMissing = async (
  database: Database<unknown>,
  row: SessionRow,
): Promise<NonNullable<RelaySession['missing']>> => {
  const first = Number(row.first_id)
  const end = first + Number(row.generated_max ?? 0)
  const { rows } = await sql<{ start: string; stop: string; total: string }>`
    SELECT lag_id + 1 AS start, id - 1 AS stop, sum(id - lag_id - 1) OVER () AS total
    FROM (
      SELECT id, lag(id, 1, ${first - 1}::bigint) OVER (ORDER BY id) AS lag_id
      FROM (
        SELECT id FROM messages WHERE session_id = ${row.session_id} AND id < ${end}
        UNION ALL SELECT ${end}::bigint
      ) known
    ) gaps
    WHERE id > lag_id + 1 ORDER BY id LIMIT ${relayLimits.missingRangesListed}`.execute(database.query)
  return {
    ids: rows.map((gap) => [Number(gap.start), Number(gap.stop)]),
    count: Number(rows[0]?.total ?? 0),
  }
}

const sessionView = (row: SessionRow, stored: number, missing: RelaySession['missing']): RelaySession => {
  const durationSeconds = ((row.ended_at ?? row.started_at).getTime() - row.started_at.getTime()) / 1_000
  return {
    sessionId: row.session_id,
    status: row.status,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    intervalSeconds: row.interval_seconds,
    inFlight: row.in_flight,
    payloadBytes: row.payload_bytes,
    durationSeconds,
    generated: row.generated === null ? null : Number(row.generated),
    stored,
    unconfirmed: row.generated === null ? null : Number(row.generated) - stored,
    messagesPerSecond: durationSeconds > 0 ? stored / durationSeconds : 0,
    hops: row.hops,
    missing,
  }
}
