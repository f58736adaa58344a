/** Frames and mails in PostgreSQL. */
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import type { Context, Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import type { Notice } from './domain.ts'

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

/** Stores what the user is told: a frame with the user's next cursor, and a mail where one is due. */
export const storeNotice = async (
  context: NotificationsContext,
  tx: NotificationsTx,
  eventId: string,
  notice: Notice,
): Promise<void> => {
  const { userId, orderId, kind, title, detail, mail } = notice
  const about = { event_id: eventId, user_id: userId, order_id: orderId ?? null, kind }
  const traceparent = context.tracer.current() ?? null
  if (mail !== undefined) {
    await tx
      .insertInto('mails')
      .values({ ...about, subject: title, body: mail, traceparent } as MailRow)
      .execute()
  }
  // Last, because its lock makes the user's other events wait.
  const feed = await tx
    .insertInto('feeds')
    .values({ user_id: userId, last_cursor: 1 })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ last_cursor: sql`feeds.last_cursor + 1` }))
    .returning('last_cursor')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('frames')
    .values({
      ...about,
      cursor: feed.last_cursor,
      title,
      detail: detail ?? null,
      at: context.clock.iso(),
      traceparent,
      sent_at: null,
    })
    .execute()
}

export const frameOf = (row: FrameRow): NotificationFrame => ({
  cursor: Number(row.cursor),
  kind: row.kind as NotificationFrame['kind'],
  ...(row.order_id === null ? {} : { orderId: row.order_id }),
  title: row.title,
  ...(row.detail === null ? {} : { detail: row.detail }),
  at: new Date(row.at).toISOString(),
  eventId: row.event_id,
  ...(row.traceparent === null ? {} : { traceId: row.traceparent.slice(3, 35) }),
})

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

/** Leases mails that are due, each with a higher fencing token. */
export const takeMails = (context: NotificationsContext, max: number): Promise<MailRow[]> =>
  context.database.transaction(async (tx) => {
    const due = await tx
      .selectFrom('mails')
      .select('event_id')
      .where('status', '=', 'waiting')
      .where('next_attempt_at', '<=', sql<Date>`now()`)
      .where((where) => where.or([where('lease_until', 'is', null), where('lease_until', '<', sql<Date>`now()`)]))
      .orderBy('next_attempt_at')
      .limit(max)
      .forUpdate()
      .skipLocked()
      .execute()
    if (due.length === 0) return []
    return tx
      .updateTable('mails')
      .set({
        attempts: sql`attempts + 1`,
        fencing_token: sql`fencing_token + 1`,
        lease_until: sql<Date>`now() + make_interval(secs => ${limits.mailLeaseMs / 1_000})`,
      })
      .where(
        'event_id',
        'in',
        due.map((row) => row.event_id),
      )
      .returningAll()
      .execute()
  })

/** True when the lease was still held. */
export const settleMail = async (
  tx: NotificationsTx,
  mail: MailRow,
  outcome: { status: 'sent' | 'undeliverable' } | { retryAfterMs: number },
): Promise<boolean> => {
  const settled = await tx
    .updateTable('mails')
    .set(
      'status' in outcome
        ? { status: outcome.status, lease_until: null, sent_at: sql<Date>`now()` }
        : {
            lease_until: null,
            next_attempt_at: sql<Date>`now() + make_interval(secs => ${outcome.retryAfterMs / 1_000})`,
          },
    )
    .where('event_id', '=', mail.event_id)
    .where('fencing_token', '=', mail.fencing_token)
    .returning('event_id')
    .executeTakeFirst()
  return settled !== undefined
}
