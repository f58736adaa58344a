/** Which of PostgreSQL's errors mean "away for now", and which of them a transaction may simply repeat. */
import { Failure } from '../failure.ts'

/** SQLSTATE of serialization_failure and deadlock_detected: the same transaction may well succeed now. */
const repeatable = new Set(['40001', '40P01'])

/** Node's errors of a socket that could not be opened or that broke. */
const brokenSocket = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
])

/**
 * SQLSTATEs after which nothing is wrong with the request itself: 25006 a server that became a standby,
 * 25P03 and 57P05 a session ended for idling, 57P01–57P03 a server that stops or starts, 55P03 a lock not to be had.
 * Class 08 is a broken connection, class 53 a lack of connections, memory or disk.
 */
const awayStates = new Set(['25006', '25P03', '57P01', '57P02', '57P03', '57P05', '55P03'])
const queryCanceled = '57014'

/** The driver says some things in words alone. */
const awayWords =
  /connection terminated|timeout expired|timeout exceeded when trying to connect|connection error and is not queryable|query read timeout|client was closed|connection ended/i

const codeOf = (error: unknown): string | undefined => {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}

/**
 * A prepared statement met a table that was changed under it (feature_not_supported, "cached plan must not change
 * result type"): a new version migrated while this one runs. A new connection plans it again.
 */
const isStalePlan = (error: unknown): boolean =>
  codeOf(error) === '0A000' && error instanceof Error && error.message.includes('cached plan')

/** Whether the transaction may be run again: PostgreSQL undid it for a conflict with another one. */
export const isRepeatable = (error: unknown): boolean => repeatable.has(codeOf(error) ?? '')

/** Whether the connection that raised it must not be used again. */
export const breaksConnection = (error: unknown): boolean => {
  const code = codeOf(error) ?? ''
  return (
    brokenSocket.has(code) ||
    isStalePlan(error) ||
    /^08|^57P|^25P03/.test(code) ||
    (error instanceof Error && awayWords.test(error.message) && !/timeout exceeded/.test(error.message))
  )
}

/**
 * Turns what says "the database is away" into Failure('unavailable') and an overrun statement into
 * Failure('deadline_exceeded'); leaves every other error (a broken constraint, say) as the driver threw it.
 */
export const asFailure = (error: unknown): unknown => {
  const code = codeOf(error) ?? ''
  if (error instanceof Failure) return error
  if (code === queryCanceled) {
    return new Failure('deadline_exceeded', 'the database took longer than allowed', { cause: error })
  }
  const away =
    brokenSocket.has(code) ||
    isStalePlan(error) ||
    awayStates.has(code) ||
    /^(08|53)/.test(code) ||
    (error instanceof Error && awayWords.test(error.message))
  return away ? new Failure('unavailable', 'the database is away', { cause: error, retryAfterSeconds: 1 }) : error
}

/** Whether the database could not be reached: waiting helps, and no attempt is counted. */
export const isAway = (error: unknown): boolean => error instanceof Failure && error.code === 'unavailable'

/** 3D000 no such database, 28000 and 28P01 no such role (or another password): at boot they may yet be made. */
const notMadeStates = new Set(['3D000', '28000', '28P01'])

/** Whether database or role are missing, as they are while the system is being set up. */
export const isNotMadeYet = (error: unknown): boolean => notMadeStates.has(codeOf(error) ?? '')
