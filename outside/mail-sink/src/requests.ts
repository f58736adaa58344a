/** Query and body from outside, checked member by member; every fault is named at once. */
import { type Fault, Problem } from '@svyaz/stage'
import type { MailQuery } from './mailbox.ts'

export const faultModes = ['ok', 'refuse', 'slow', 'lost-reply'] as const
export type FaultRequest = {
  readonly mode: (typeof faultModes)[number]
  readonly count?: number
  readonly probability?: number
  /** How long `slow` waits before its answer. */
  readonly delayMs?: number
  /** What `refuse` answers: 4xx asks to try again, 5xx refuses for good. */
  readonly responseCode?: number
}

const whole = (min: number, max: number) => (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
    ? undefined
    : `must be a whole number from ${min} to ${max}`

const faultChecks: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  mode: (value) => (faultModes.some((mode) => mode === value) ? undefined : `must be one of ${faultModes.join(', ')}`),
  count: whole(1, 1_000_000),
  probability: (value) =>
    typeof value === 'number' && value > 0 && value <= 1 ? undefined : 'must be a number above 0, at most 1',
  delayMs: whole(0, 600_000),
  responseCode: whole(400, 599),
}

/** @throws Problem 422 with a pointer for each fault */
export function faultRequest(body: Record<string, unknown>): FaultRequest {
  const faults: Fault[] = []
  for (const [name, check] of Object.entries(faultChecks)) {
    if (!Object.hasOwn(body, name) && name !== 'mode') continue
    const detail = check(body[name])
    if (detail !== undefined) faults.push({ pointer: `/${name}`, detail })
  }
  for (const name of Object.keys(body))
    if (!Object.hasOwn(faultChecks, name)) faults.push({ pointer: `/${name}`, detail: 'is not known here' })
  if (faults.length > 0) throw new Problem(422, 'invalid_body', 'the body has faults', { faults })
  return body as FaultRequest
}

/**
 * What `GET /mails` is asked; `brief` leaves texts and headers out of its answer.
 * @throws Problem 400 that names each wrong parameter
 */
export function mailQuery(parameters: URLSearchParams): MailQuery & { readonly brief: boolean } {
  const faults: string[] = []
  for (const name of parameters.keys())
    if (!['to', 'subject', 'messageId', 'contains', 'before', 'limit', 'brief'].includes(name))
      faults.push(`${name} is not known`)
  const number = (name: string, fallback: number, max: number) => {
    const text = parameters.get(name)
    if (text === null) return fallback
    if (!/^\d{1,12}$/.test(text) || Number(text) < 1 || Number(text) > max)
      faults.push(`${name} must be from 1 to ${max}`)
    return Number(text)
  }
  const before = number('before', 0, 999_999_999_999)
  const limit = number('limit', 50, 100)
  const brief = parameters.get('brief') ?? 'false'
  if (brief !== 'true' && brief !== 'false') faults.push('brief must be true or false')
  if (faults.length > 0) throw new Problem(400, 'invalid_query', faults.join('; '))
  // An empty field of a form is not a filter.
  const given = (name: 'to' | 'subject' | 'messageId' | 'contains') => {
    const text = parameters.get(name)
    return text === null || text === '' ? {} : { [name]: text }
  }
  return {
    ...given('to'),
    ...given('subject'),
    ...given('messageId'),
    ...given('contains'),
    ...(before > 0 ? { before } : {}),
    limit,
    brief: brief === 'true',
  }
}
