/** Payments in PostgreSQL: rows, wishes, leases with fencing tokens. */
import { paymentsEvents } from '@svyaz/contracts/events/payments.ts'
import type { PaymentStatus, Payment as PaymentView } from '@svyaz/contracts/http/payments.ts'
import { isId } from '@svyaz/contracts/primitives.ts'
import type { Context, OutgoingEvent, Tx } from '@svyaz/kit'
import { type ExpressionBuilder, sql } from 'kysely'
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

/** Opens the payment when it is not there, locks it, applies the wish, and says what follows from it. */
export const applyWish = async (
  context: PaymentsContext,
  tx: PaymentsTx,
  opening: Opening,
  input: Wish,
): Promise<void> => {
  const now = context.clock.iso()
  await tx
    .insertInto('payments')
    .values({
      order_id: opening.orderId,
      user_id: opening.userId,
      status: 'requested',
      amount_minor: opening.amountMinor,
      method: opening.method,
      created_at: now,
      updated_at: now,
    } as PaymentRow)
    .onConflict((conflict) => conflict.column('order_id').doNothing())
    .execute()
  const row = await tx
    .selectFrom('payments')
    .selectAll()
    .where('order_id', '=', opening.orderId)
    .forUpdate()
    .executeTakeFirstOrThrow()
  // A changed order asks for another amount; once something was asked of the processor it stands.
  const open = row.status === 'requested' && row.intent === null
  const payment = { ...paymentOf(row), ...(open ? { amountMinor: opening.amountMinor, method: opening.method } : {}) }
  const outcome = wish(payment, input) ?? (open ? { payment } : undefined)
  if (outcome) await write(context, tx, [outcome], { traceparent: context.tracer.current() })
}

/**
 * Writes payments and what is said of them.
 * @param traceparent of the wish, if it was one
 * @param settled they were leased, and no longer are
 */
const write = async (
  context: PaymentsContext,
  tx: PaymentsTx,
  outcomes: readonly Outcome[],
  { traceparent, settled = false }: { traceparent?: string | undefined; settled?: boolean },
): Promise<void> => {
  const payments = outcomes.map(({ payment }) => payment)
  const at = context.clock.iso()
  await sql`
    UPDATE payments SET
      status = next.status, amount_minor = next.amount_minor, method = next.method, intent = next.intent,
      version = next.version, reason = next.reason, processor_id = next.processor_id,
      next_attempt_at = now(), updated_at = ${at}::timestamptz,
      traceparent = coalesce(${traceparent ?? null}, payments.traceparent),
      lease_until = CASE WHEN ${settled}::boolean THEN NULL ELSE payments.lease_until END
    FROM unnest(
      ${payments.map(({ orderId }) => orderId)}::uuid[],
      ${payments.map(({ status }) => status)}::text[],
      ${payments.map(({ amountMinor }) => amountMinor)}::bigint[],
      ${payments.map(({ method }) => method)}::text[],
      ${payments.map(({ intent }) => intent ?? null)}::text[],
      ${payments.map(({ version }) => version)}::integer[],
      ${payments.map(({ reason }) => reason ?? null)}::text[],
      ${payments.map(({ processorId }) => processorId ?? null)}::text[]
    ) AS next (order_id, status, amount_minor, method, intent, version, reason, processor_id)
    WHERE payments.order_id = next.order_id`.execute(tx)
  await context.outbox.add(tx, ...outcomes.flatMap((outcome) => saidOf(context, outcome, at)))
}

const saidOf = (
  context: PaymentsContext,
  { payment, said }: Outcome,
  at: string,
): OutgoingEvent<typeof paymentsEvents>[] => {
  if (!said) return []
  const { orderId, userId, version } = payment
  const amount = { amountMinor: payment.amountMinor, currency: 'EUR' as const }
  const outcome = { orderId, userId, version, amount, worker: context.instance, at }
  const event = { topic: paymentsEvents, key: orderId }
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

const isDue = (where: ExpressionBuilder<PaymentsSchema, 'payments'>) =>
  where.and([
    where('intent', 'is not', null),
    where('next_attempt_at', '<=', sql<Date>`now()`),
    where.or([where('lease_until', 'is', null), where('lease_until', '<', sql<Date>`now()`)]),
  ])

/** Takes up to `max` payments that are due and held by nobody: the row's lock is short, the lease goes on without it. */
export const takeLeases = (context: PaymentsContext, max: number): Promise<Lease[]> =>
  context.database.transaction(async (tx) => {
    const rows = await tx
      .selectFrom('payments')
      .selectAll()
      .where(isDue)
      .orderBy('next_attempt_at')
      .limit(max)
      .forUpdate()
      .skipLocked()
      .execute()
    const leases = rows.flatMap((row): Lease[] => {
      const payment = paymentOf(row)
      const due = next(payment)
      if (!due) return []
      return [
        {
          payment: { ...payment, status: due.status },
          call: due.call,
          fencingToken: Number(row.fencing_token) + 1,
          attempts: row.attempts + 1,
          traceparent: row.traceparent ?? undefined,
        },
      ]
    })
    if (leases.length === 0) return []
    await sql`
      UPDATE payments SET
        status = lease.status, worker = ${context.instance}, attempts = payments.attempts + 1,
        fencing_token = lease.fencing_token, lease_until = now() + make_interval(secs => ${limits.leaseMs / 1_000}),
        updated_at = ${context.clock.iso()}::timestamptz
      FROM unnest(
        ${leases.map(({ payment }) => payment.orderId)}::uuid[],
        ${leases.map(({ payment }) => payment.status)}::text[],
        ${leases.map(({ fencingToken }) => fencingToken)}::bigint[]
      ) AS lease (order_id, status, fencing_token)
      WHERE payments.order_id = lease.order_id`.execute(tx)
    return leases
  })

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

/** Whether a user is blocked, as far as this service has heard. */
export const isBlocked = async (tx: PaymentsTx, userId: string): Promise<boolean> => {
  const row = await tx.selectFrom('user_standing').select('blocked').where('user_id', '=', userId).executeTakeFirst()
  return row?.blocked ?? false
}
