/** Payments in PostgreSQL: rows, wishes, leases with fencing tokens. */
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import type { PaymentStatus, Payment as PaymentView } from '@svyaz/contracts/http/payments.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import type { Context, Held, OutgoingEvent, Tx } from '@svyaz/kit'
import { sql } from 'kysely'
import { limits, type Settings } from './config.ts'
import { type Intent, next, type Outcome, type Payment, type Result, record, type Wish, wish } from './domain.ts'

export interface PaymentRow {
  order_id: string
  user_id: string
  status: string
  amount_minor: string | number
  method: string
  intent: string | null
  version: number
  attempts: number
  worker: string | null
  lease_until: Date | string | null
  fencing_token: string | number
  next_attempt_at: Date | string
  reason: string | null
  processor_id: string | null
  traceparent: string | null
  created_at: Date | string
  updated_at: Date | string
}
export interface PaymentsSchema {
  payments: PaymentRow
  user_standing: { user_id: string; version: number; blocked: boolean }
}
export type PaymentsContext = Context<Settings, PaymentsSchema>
export type PaymentsTx = Tx<PaymentsSchema>

/** What is known of a payment that is to be opened, from an order's event, a task or ProcessPayment. */
export interface Opening {
  orderId: string
  userId: string
  amountMinor: number
  method: string
}

const paymentOf = (row: PaymentRow): Payment => ({
  orderId: row.order_id,
  userId: row.user_id,
  status: row.status as PaymentStatus,
  amountMinor: Number(row.amount_minor),
  method: row.method,
  intent: (row.intent as Intent | null) ?? undefined,
  version: row.version,
  reason: row.reason ?? undefined,
  processorId: row.processor_id ?? undefined,
})

/** A row as clients see it. */
export const viewOf = (row: PaymentRow): PaymentView => ({
  orderId: row.order_id,
  userId: row.user_id,
  status: row.status as PaymentStatus,
  amount: { amountMinor: Number(row.amount_minor), currency: 'EUR' },
  method: row.method as PaymentView['method'],
  ...(row.worker === null ? {} : { worker: row.worker }),
  attempts: row.attempts,
  ...(row.reason === null ? {} : { reason: row.reason }),
  createdAt: new Date(row.created_at).toISOString(),
  updatedAt: new Date(row.updated_at).toISOString(),
})

/** The payment of an order, if one was asked for. */
export const paymentByOrder = async (context: PaymentsContext, orderId: string): Promise<PaymentRow | undefined> =>
  !isId(orderId)
    ? undefined
    : context.database.query.selectFrom('payments').selectAll().where('order_id', '=', orderId).executeTakeFirst()

/** The payments of these orders, as far as there are any, in one statement. */
export const paymentsByOrders = (context: PaymentsContext, orderIds: readonly string[]): Promise<PaymentRow[]> =>
  context.database.query
    .selectFrom('payments')
    .selectAll()
    // One text for lists of every length: each text is prepared by itself.
    .where('order_id', '=', sql<string>`any(${orderIds.filter(isId)}::uuid[])`)
    .execute()

/** A wish for the payment of an order, and the trace that it belongs to. */
export interface Asked {
  readonly opening: Opening
  readonly type: Wish['type']
  readonly traceparent: string | undefined
}

/**
 * Opens payments that are not there, locks all of them in one order so that two transactions don't deadlock, applies the
 * wishes in the order given, each on what the last made of its payment, and says what follows. Whether a user whose
 * charge is wished is blocked is looked up for all of them.
 */
export const applyWishes = async (context: PaymentsContext, tx: PaymentsTx, asked: readonly Asked[]): Promise<void> => {
  const charged = new Set(asked.filter(({ type }) => type === 'charge').map(({ opening }) => opening.userId))
  const found = charged.size === 0 ? undefined : await blockedAmong(tx, [...charged])
  const payments = await openAndLock(context, tx, asked)
  const blocked = new Set(found?.rows.map((row) => row.user_id))
  const outcomes: TracedOutcome[] = []
  for (const { opening, type, traceparent } of asked) {
    const input: Wish = type === 'charge' ? { type, blocked: blocked.has(opening.userId) } : { type }
    const before = payments.get(opening.orderId)
    if (!before) throw new Error(`the payment of ${opening.orderId} was opened and is not there`)
    // A changed order asks for another amount; once something was asked of the processor it stands.
    const open = before.status === 'requested' && before.intent === undefined
    const payment = open ? { ...before, amountMinor: opening.amountMinor, method: opening.method } : before
    const isChanged = payment.amountMinor !== before.amountMinor || payment.method !== before.method
    const outcome = wish(payment, input) ?? (isChanged ? { payment } : undefined)
    if (!outcome) continue
    payments.set(opening.orderId, outcome.payment)
    outcomes.push({ ...outcome, traceparent })
  }
  if (outcomes.length > 0) await write(context, tx, outcomes)
}

const openAndLock = async (
  context: PaymentsContext,
  tx: PaymentsTx,
  asked: readonly Asked[],
): Promise<Map<string, Payment>> => {
  // The amount of the first wish: later ones change it as they are applied.
  const openings = [...new Map(asked.toReversed().map(({ opening }) => [opening.orderId, opening])).values()]
  const traces = new Map(asked.toReversed().map(({ opening, traceparent }) => [opening.orderId, traceparent]))
  const now = context.clock.iso()
  await tx.hold(sql`
    INSERT INTO payments (order_id, user_id, status, amount_minor, method, traceparent, created_at, updated_at)
    SELECT order_id, user_id, 'requested', amount_minor, method, traceparent, ${now}::timestamptz, ${now}::timestamptz
    FROM unnest(
      ${openings.map(({ orderId }) => orderId)}::uuid[], ${openings.map(({ userId }) => userId)}::uuid[],
      ${openings.map(({ amountMinor }) => amountMinor)}::bigint[], ${openings.map(({ method }) => method)}::text[],
      ${openings.map(({ orderId }) => traces.get(orderId) ?? null)}::text[]
    ) AS opening (order_id, user_id, amount_minor, method, traceparent)
    ORDER BY order_id ON CONFLICT (order_id) DO NOTHING`)
  const { rows } = await sql<PaymentRow>`
    SELECT * FROM payments WHERE order_id = ANY (${openings.map(({ orderId }) => orderId)}::uuid[])
    ORDER BY order_id FOR UPDATE`.execute(tx)
  return new Map(rows.map((row) => [row.order_id, paymentOf(row)]))
}

/** With the trace of the wish, if it was one. */
type TracedOutcome = Outcome & { readonly traceparent?: string | undefined }

/**
 * Writes payments, each as its last outcome has it, and what all outcomes say.
 * @param settled they were leased, and no longer are
 */
const write = async (
  context: PaymentsContext,
  tx: PaymentsTx,
  outcomes: readonly TracedOutcome[],
  { settled = false }: { settled?: boolean } = {},
): Promise<void> => {
  const last = [...new Map(outcomes.map((outcome) => [outcome.payment.orderId, outcome])).values()]
  const payments = last.map(({ payment }) => payment)
  const at = context.clock.iso()
  await tx.hold(sql`
    UPDATE payments SET
      status = next.status, amount_minor = next.amount_minor, method = next.method, intent = next.intent,
      version = next.version, reason = next.reason, processor_id = next.processor_id,
      next_attempt_at = now(), updated_at = ${at}::timestamptz,
      traceparent = coalesce(next.traceparent, payments.traceparent),
      lease_until = CASE WHEN ${settled}::boolean THEN NULL ELSE payments.lease_until END
    FROM unnest(
      ${payments.map(({ orderId }) => orderId)}::uuid[],
      ${payments.map(({ status }) => status)}::text[],
      ${payments.map(({ amountMinor }) => amountMinor)}::bigint[],
      ${payments.map(({ method }) => method)}::text[],
      ${payments.map(({ intent }) => intent ?? null)}::text[],
      ${payments.map(({ version }) => version)}::integer[],
      ${payments.map(({ reason }) => reason ?? null)}::text[],
      ${payments.map(({ processorId }) => processorId ?? null)}::text[],
      ${last.map(({ traceparent }) => traceparent ?? null)}::text[]
    ) AS next (order_id, status, amount_minor, method, intent, version, reason, processor_id, traceparent)
    WHERE payments.order_id = next.order_id`)
  await context.outbox.add(tx, ...outcomes.flatMap((outcome) => saidOf(context, outcome, at)))
}

const saidOf = (
  context: PaymentsContext,
  { payment, said, traceparent }: TracedOutcome,
  at: string,
): OutgoingEvent<typeof paymentsEvents>[] => {
  if (!said) return []
  const { orderId, userId, version } = payment
  const amount = { amountMinor: payment.amountMinor, currency: 'EUR' as const }
  const outcome = { orderId, userId, version, amount, worker: context.instance, at }
  const event = { topic: paymentsEvents, key: orderId, ...(traceparent === undefined ? {} : { traceparent }) }
  if (said === 'payment.completed') {
    return [{ ...event, type: said, data: { ...outcome, processorId: payment.processorId ?? '' } }]
  }
  if (said === 'payment.failed')
    return [{ ...event, type: said, data: { ...outcome, reason: payment.reason ?? 'declined' } }]
  return [{ ...event, type: said, data: outcome }]
}

export interface Lease {
  payment: Payment
  call: 'charge' | 'void' | 'refund'
  fencingToken: number
  attempts: number
  traceparent: string | undefined
}

/** Until the next payment is due, by the database's clock: 0 or less: now; undefined: none waits. */
export const nextDueInMs = async (context: PaymentsContext): Promise<number | undefined> => {
  const row = await context.database.query
    .selectFrom('payments')
    .select(
      sql<number | null>`(1000 * extract(epoch FROM min(greatest(next_attempt_at, lease_until)) - now()))::float8`.as(
        'ms',
      ),
    )
    .where('intent', 'is not', null)
    .executeTakeFirstOrThrow()
  return row.ms ?? undefined
}

/**
 * Takes up to `max` payments that are due and held by nobody, each with a higher fencing token. One statement: its row
 * locks are short, the leases go on without them. The status of a lease is that of {@link next}.
 */
export const takeLeases = async (context: PaymentsContext, max: number): Promise<Lease[]> => {
  const { rows } = await sql<PaymentRow>`
    WITH due AS MATERIALIZED (
      SELECT order_id FROM payments
      WHERE intent IS NOT NULL AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
      ORDER BY next_attempt_at LIMIT ${max} FOR UPDATE SKIP LOCKED
    )
    UPDATE payments SET
      status = CASE WHEN intent = 'charge' THEN 'charging'
        WHEN status IN ('charged', 'refunding') THEN 'refunding' ELSE status END,
      worker = ${context.instance}, attempts = attempts + 1, fencing_token = fencing_token + 1,
      lease_until = now() + make_interval(secs => ${limits.leaseMs / 1_000}),
      updated_at = ${context.clock.iso()}::timestamptz
    FROM due WHERE payments.order_id = due.order_id RETURNING payments.*`.execute(context.database.query)
  return rows.flatMap((row): Lease[] => {
    const payment = paymentOf(row)
    const due = next(payment)
    if (!due) return []
    const { attempts, traceparent } = row
    const fencingToken = Number(row.fencing_token)
    return [{ payment, call: due.call, fencingToken, attempts, traceparent: traceparent ?? undefined }]
  })
}

export interface DefiniteResult {
  lease: Lease
  result: Result
}

/** `lost`: the lease was, meanwhile; whoever has it now will ask again. `due again`: an undo was asked for meanwhile. */
export type Recorded = 'lost' | 'settled' | 'due again'

/** Writes definite results in one transaction, and returns what became of each, in their order. */
export const recordResults = (
  context: PaymentsContext,
  results: readonly DefiniteResult[],
): Promise<readonly Recorded[]> =>
  context.database.transaction(async (tx) => {
    const { rows } = await sql<PaymentRow>`
      SELECT payments.* FROM payments
      JOIN unnest(
        ${results.map(({ lease }) => lease.payment.orderId)}::uuid[],
        ${results.map(({ lease }) => lease.fencingToken)}::bigint[]
      ) AS held (order_id, fencing_token) USING (order_id, fencing_token)
      ORDER BY order_id FOR UPDATE OF payments`.execute(tx)
    const heldBy = (lease: Lease) =>
      rows.find((row) => row.order_id === lease.payment.orderId && Number(row.fencing_token) === lease.fencingToken)
    const outcomes = results.map(({ lease, result }) => {
      const row = heldBy(lease)
      return row && record(paymentOf(row), result)
    })
    const toWrite = outcomes.filter((outcome) => outcome !== undefined)
    if (toWrite.length > 0) await write(context, tx, toWrite, { settled: true })
    return outcomes.map((outcome) => {
      if (!outcome) return 'lost'
      return outcome.payment.intent === undefined ? 'settled' : 'due again'
    })
  })

/** Gives the lease back after an unclear answer; it is due again after the back-off. False when it was lost meanwhile. */
export const retryLater = (context: PaymentsContext, lease: Lease, delayMs: number): Promise<boolean> =>
  context.database.transaction(async (tx) => {
    if (!(await lockHeld(tx, lease))) return false
    await tx
      .updateTable('payments')
      .set({
        lease_until: null,
        next_attempt_at: sql<Date>`now() + make_interval(secs => ${delayMs / 1_000})`,
      })
      .where('order_id', '=', lease.payment.orderId)
      .execute()
    return true
  })

const lockHeld = (tx: PaymentsTx, lease: Lease): Promise<PaymentRow | undefined> =>
  tx
    .selectFrom('payments')
    .selectAll()
    .where('order_id', '=', lease.payment.orderId)
    .where('fencing_token', '=', lease.fencingToken)
    .forUpdate()
    .executeTakeFirst()

/** Notes whether a user is blocked; an older version changes nothing. */
export const setStanding = async (tx: PaymentsTx, userId: string, version: number, blocked: boolean): Promise<void> => {
  await tx
    .insertInto('user_standing')
    .values({ user_id: userId, version, blocked })
    .onConflict((conflict) =>
      conflict.column('user_id').doUpdateSet({ version, blocked }).where('user_standing.version', '<', version),
    )
    .execute()
}

/** Which of these users are blocked, as far as this service has heard: known when the next statement is answered. */
const blockedAmong = (tx: PaymentsTx, userIds: readonly string[]): Promise<Held<{ user_id: string }>> =>
  tx.hold(sql<{ user_id: string }>`
    SELECT user_id FROM user_standing WHERE blocked AND user_id = ANY (${[...userIds]}::uuid[])`)
