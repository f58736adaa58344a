/** Frames and mails in PostgreSQL. */
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import type { Context, Held, Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import { detailOfFrame, type Notice } from './domain.ts'

export interface NotificationsSchema {
  feeds: { user_id: string; last_cursor: string | number }
  frames: {
    user_id: string
    cursor: string | number
    event_id: string
    kind: string
    order_id: string | null
    title: string
    detail: string | null
    at: Date | string
    traceparent: string | null
    sent_at: Date | string | null
  }
  mails: {
    event_id: string
    user_id: string
    order_id: string | null
    kind: string
    subject: string
    body: string
    status: 'waiting' | 'sent' | 'undeliverable'
    attempts: number
    lease_until: Date | string | null
    fencing_token: string | number
    next_attempt_at: Date | string
    traceparent: string | null
    created_at: Date | string
    sent_at: Date | string | null
  }
}
export type NotificationsContext = Context<Settings, NotificationsSchema>
export type NotificationsTx = Tx<NotificationsSchema>
export type MailRow = NotificationsSchema['mails']
export type FrameRow = NotificationsSchema['frames']

/** What is to be told because of an event, and the trace that it belongs to. */
export interface Telling {
  readonly eventId: string
  readonly notice: Notice
  readonly traceparent: string | undefined
}

/**
 * Stores what users are told, in the order given: frames with each user's next cursors, and mails where they are due.
 * One statement for all that a transaction tells, for there are some ten an order; the users' cursors, at which their
 * other events wait, are locked by it last, and in one order.
 *
 * @returns the frames, which are there when the transaction is committed
 */
export const storeNotices = (
  context: Pick<NotificationsContext, 'clock'>,
  tx: NotificationsTx,
  tellings: readonly Telling[],
): Promise<Held<FrameRow>> => {
  const of = <Value>(value: (notice: Notice) => Value): Value[] => tellings.map(({ notice }) => value(notice))
  return tx.hold(sql<FrameRow>`
    WITH notice AS (
      SELECT *, row_number() OVER same_user AS nth, count(*) OVER (PARTITION BY user_id) AS of_user
      FROM unnest(
        ${tellings.map(({ eventId }) => eventId)}::text[], ${tellings.map((telling) => telling.traceparent ?? null)}::text[],
        ${of(({ userId }) => userId)}::uuid[], ${of(({ orderId }) => orderId ?? null)}::uuid[],
        ${of(({ kind }) => kind)}::text[], ${of(({ title }) => title)}::text[],
        ${of(({ detail }) => detail ?? null)}::text[], ${of(({ mail }) => mail ?? null)}::text[]
      ) WITH ORDINALITY AS told (event_id, traceparent, user_id, order_id, kind, title, detail, mail, place)
      WINDOW same_user AS (PARTITION BY user_id ORDER BY place)
    ), mailed AS (
      INSERT INTO mails (event_id, user_id, order_id, kind, subject, body, traceparent)
      SELECT event_id, user_id, order_id, kind, title, mail, traceparent FROM notice WHERE mail IS NOT NULL
    ), feed AS (
      INSERT INTO feeds (user_id, last_cursor) SELECT user_id, count(*) FROM notice GROUP BY user_id ORDER BY user_id
      ON CONFLICT (user_id) DO UPDATE SET last_cursor = feeds.last_cursor + excluded.last_cursor
      RETURNING user_id, last_cursor
    )
    INSERT INTO frames (user_id, cursor, event_id, kind, order_id, title, detail, at, traceparent)
    SELECT user_id, last_cursor - of_user + nth, event_id, kind, order_id, title, detail,
      ${context.clock.iso()}::timestamptz, traceparent
    FROM notice JOIN feed USING (user_id) ORDER BY place
    RETURNING *`)
}

/** A row as it is sent on the stream. */
export const frameOf = (row: FrameRow): NotificationFrame => ({
  cursor: Number(row.cursor),
  kind: row.kind as NotificationFrame['kind'],
  ...(row.order_id === null ? {} : { orderId: row.order_id }),
  title: row.title,
  ...(row.detail === null ? {} : { detail: detailOfFrame(row.detail) }),
  at: new Date(row.at).toISOString(),
  eventId: row.event_id,
  ...(row.traceparent === null ? {} : { traceId: row.traceparent.slice(3, 35) }),
})

/** Frames of a user behind a cursor, oldest first. */
export const framesAfter = (
  context: NotificationsContext,
  userId: string,
  cursor: number,
  limit: number = limits.framesPerRead,
): Promise<FrameRow[]> =>
  context.database.query
    .selectFrom('frames')
    .selectAll()
    .where('user_id', '=', userId)
    .where('cursor', '>', cursor)
    .orderBy('cursor')
    .limit(limit)
    .execute()

/** The cursor of the user's latest frame; 0 when there is none. */
export const lastCursor = async (context: NotificationsContext, userId: string): Promise<number> => {
  const row = await context.database.query
    .selectFrom('feeds')
    .select('last_cursor')
    .where('user_id', '=', userId)
    .executeTakeFirst()
  return Number(row?.last_cursor ?? 0)
}

/** The last cursors of these users: what the poll compares with what their sockets have. */
export const lastCursors = async (
  context: NotificationsContext,
  userIds: readonly string[],
): Promise<Map<string, number>> => {
  if (userIds.length === 0) return new Map()
  const rows = await context.database.query
    .selectFrom('feeds')
    .selectAll()
    .where('user_id', 'in', [...userIds])
    .execute()
  return new Map(rows.map((row) => [row.user_id, Number(row.last_cursor)]))
}

/** What a frame is known by, whatever row it was read as. */
export const frameKey = (row: Pick<FrameRow, 'user_id' | 'cursor'>): string => `${row.user_id} ${row.cursor}`

/** Notes that sockets took these frames, and returns those of which nobody had noted it. */
export const markFrames = async (tx: NotificationsTx, rows: readonly FrameRow[]): Promise<FrameRow[]> => {
  const marked = await sql<Pick<FrameRow, 'user_id' | 'cursor'>>`
    UPDATE frames SET sent_at = now()
    FROM unnest(
      ${rows.map((row) => row.user_id)}::uuid[],
      ${rows.map((row) => String(row.cursor))}::bigint[]
    ) AS taken (user_id, cursor)
    WHERE frames.user_id = taken.user_id AND frames.cursor = taken.cursor AND frames.sent_at IS NULL
    RETURNING frames.user_id, frames.cursor`.execute(tx)
  const keys = new Set(marked.rows.map(frameKey))
  return rows.filter((row) => keys.has(frameKey(row)))
}

/** Leases mails that are due, each with a higher fencing token. */
export const takeMails = (context: NotificationsContext, max: number): Promise<MailRow[]> =>
  context.database.query
    .updateTable('mails')
    .set({
      attempts: sql`attempts + 1`,
      fencing_token: sql`fencing_token + 1`,
      lease_until: sql<Date>`now() + make_interval(secs => ${limits.mailLeaseMs / 1_000})`,
    })
    .where('event_id', 'in', (mails) =>
      mails
        .selectFrom('mails')
        .select('event_id')
        .where('status', '=', 'waiting')
        .where('next_attempt_at', '<=', sql<Date>`now()`)
        .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', sql<Date>`now()`)]))
        .orderBy('next_attempt_at')
        .limit(max)
        .forUpdate()
        .skipLocked(),
    )
    .returningAll()
    .execute()

/** Until the next mail is due, by the database's clock: 0 or less: now; undefined: none waits. */
export const nextMailDueInMs = async (context: NotificationsContext): Promise<number | undefined> => {
  const row = await context.database.query
    .selectFrom('mails')
    .select(
      sql<number | null>`(1000 * extract(epoch FROM min(greatest(next_attempt_at, lease_until)) - now()))::float8`.as(
        'ms',
      ),
    )
    .where('status', '=', 'waiting')
    .executeTakeFirstOrThrow()
  return row.ms ?? undefined
}

export type MailOutcome = { status: 'sent' | 'undeliverable' } | { retryAfterMs: number }

export interface MailAttempt {
  mail: MailRow
  outcome: MailOutcome
  /** Of the attempt's own span. */
  traceparent: string | undefined
}

/** Writes what became of the attempts whose lease is still held, and answers those. */
export const settleMails = async (tx: NotificationsTx, attempts: readonly MailAttempt[]): Promise<MailAttempt[]> => {
  const { rows } = await sql<{ event_id: string }>`
    UPDATE mails SET
      status = settled.status,
      lease_until = NULL,
      sent_at = CASE WHEN settled.status = 'sent' THEN now() END,
      next_attempt_at = now() + make_interval(secs => settled.wait_seconds)
    FROM unnest(
      ${attempts.map(({ mail }) => mail.event_id)}::text[],
      ${attempts.map(({ mail }) => String(mail.fencing_token))}::bigint[],
      ${attempts.map(({ outcome }) => ('status' in outcome ? outcome.status : 'waiting'))}::text[],
      ${attempts.map(({ outcome }) => ('status' in outcome ? 0 : outcome.retryAfterMs / 1_000))}::float8[]
    ) AS settled (event_id, fencing_token, status, wait_seconds)
    WHERE mails.event_id = settled.event_id AND mails.fencing_token = settled.fencing_token
    RETURNING mails.event_id`.execute(tx)
  const held = new Set(rows.map((row) => row.event_id))
  return attempts.filter(({ mail }) => held.has(mail.event_id))
}

/**
 * Makes transactions that say something under the same key follow one another. What became of an order's mail and of its
 * frame shares no row that could be locked before `outbox.add`, so the keys themselves are: without it the later event may
 * get the earlier place. Locked in one order, so that no two transactions wait for each other.
 */
export const lockKeys = async (tx: NotificationsTx, keys: readonly string[]): Promise<void> => {
  await tx.hold(sql`
    SELECT pg_advisory_xact_lock(lock) FROM (
      SELECT DISTINCT hashtextextended(key, 0) AS lock FROM unnest(${[...keys]}::text[]) AS keys (key) ORDER BY lock
    ) AS locks`)
}
