/** Bodies and headers from outside, checked member by member; every fault is named at once. */
import type { IncomingMessage } from 'node:http'
import { type Fault, Problem } from '@svyaz/stage'
import type { ChargeRequest, RefundRequest } from './ledger.ts'

type Body = Record<string, unknown>
type Check = (value: unknown) => string | undefined

const amount: Check = (value) =>
  Number.isSafeInteger(value) && (value as number) > 0 && (value as number) <= 1_000_000_000_000
    ? undefined
    : 'must be a whole number of minor units from 1 to 1000000000000'
const currency: Check = (value) =>
  typeof value === 'string' && /^[A-Z]{3}$/.test(value)
    ? undefined
    : 'must be a currency code of three capitals (ISO 4217)'
const text =
  (lengthMax: number): Check =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= lengthMax
      ? undefined
      : `must be a text of 1 to ${lengthMax} characters`

export const keyLengthMax = 255

/** @throws Problem 422 `invalid_body` with a pointer for each fault; unknown members are faults */
function check<T>(body: Body, checks: Readonly<Record<string, Check>>, optional: readonly string[] = []): T {
  const faults: Fault[] = []
  for (const [name, fault] of Object.entries(checks)) {
    if (!Object.hasOwn(body, name) && optional.includes(name)) continue
    const detail = Object.hasOwn(body, name) ? fault(body[name]) : 'is required'
    if (detail !== undefined) faults.push({ pointer: `/${name}`, detail })
  }
  for (const name of Object.keys(body))
    if (!Object.hasOwn(checks, name))
      faults.push({ pointer: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`, detail: 'is not known here' })
  if (faults.length > 0) throw new Problem(422, 'invalid_body', 'the body has faults', { faults })
  return body as T
}

/**
 * The body of a charge, checked.
 * @throws Problem 400 that names each wrong field
 */
export const chargeRequest = (body: Body): ChargeRequest => {
  const {
    amountMinor,
    currency: code,
    method,
    reference,
  } = check<ChargeRequest>(body, {
    amountMinor: amount,
    currency,
    method: text(64),
    reference: text(255),
  })
  return { amountMinor, currency: code, method, reference }
}

/**
 * The body of a void, checked.
 * @throws Problem 400
 */
export const voidRequest = (body: Body) => check<{ readonly key: string }>(body, { key: text(keyLengthMax) })

/**
 * The body of a refund, checked; the amount is in minor units.
 * @throws Problem 400
 */
export const refundRequest = (body: Body) =>
  check<RefundRequest>(body, { chargeKey: text(keyLengthMax), amountMinor: amount })

export const faultModes = ['ok', 'error500', 'hang', 'unavailable'] as const
export type FaultRequest = {
  readonly mode: (typeof faultModes)[number]
  readonly count?: number
  readonly probability?: number
  readonly when?: 'before' | 'after'
}

/**
 * The body that switches a simulated fault on, checked.
 * @throws Problem 400
 */
export const faultRequest = (body: Body) =>
  check<FaultRequest>(
    body,
    {
      mode: (value) =>
        faultModes.some((mode) => mode === value) ? undefined : `must be one of ${faultModes.join(', ')}`,
      count: (value) =>
        Number.isSafeInteger(value) && (value as number) > 0 ? undefined : 'must be a whole number above 0',
      probability: (value) =>
        typeof value === 'number' && value > 0 && value <= 1 ? undefined : 'must be a number above 0, at most 1',
      when: (value) => (value === 'before' || value === 'after' ? undefined : 'must be before or after'),
    },
    ['count', 'probability', 'when'],
  )

/** The Idempotency-Key header, required wherever money moves. */
export function idempotencyKey(request: IncomingMessage): string {
  const key = request.headers['idempotency-key']
  if (typeof key !== 'string' || key.length === 0)
    throw new Problem(400, 'idempotency_key_required', 'the header Idempotency-Key is required')
  if (key.length > keyLengthMax || !/^[\x21-\x7e]+$/.test(key))
    throw new Problem(
      400,
      'idempotency_key_invalid',
      `Idempotency-Key has at most ${keyLengthMax} visible ASCII characters`,
    )
  return key
}
