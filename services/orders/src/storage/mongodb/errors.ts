/** Which of the driver's errors mean "away for now". */
import { Failure } from '@svyaz/kit'
import { MongoError, MongoServerError } from 'mongodb'

const duplicateKey = 11_000

/**
 * Codes of a server that can't do now what it could do another time: it stops or starts, is no longer primary, could
 * not write to most of its set in time, ran out of disk or of time
 * (https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml).
 */
const awayCodes: ReadonlySet<number> = new Set([
  6, 7, 24, 50, 64, 79, 89, 91, 112, 133, 134, 189, 262, 314, 317, 358, 9001, 10_058, 10_107, 11_600, 11_602, 13_435,
  13_436, 14_031,
])

/** Whether a write met a unique index. */
export const isDuplicateKey = (error: unknown): boolean =>
  error instanceof MongoServerError && error.code === duplicateKey

/**
 * Turns what says "MongoDB is away" into Failure('unavailable'); leaves every other answer of the server as it was
 * thrown. What is not an answer of a server — no connection, no server found, a broken socket — is always "away".
 */
export const asFailure = (error: unknown): unknown => {
  if (!(error instanceof MongoError)) return error
  const answered = error instanceof MongoServerError && !error.hasErrorLabel('RetryableWriteError')
  if (answered && !awayCodes.has(Number(error.code))) return error
  return new Failure('unavailable', 'the database is away', { cause: error, retryAfterSeconds: 1 })
}

/** Whether the database could not be reached. */
export const isAway = (error: unknown): error is Failure => error instanceof Failure && error.code === 'unavailable'
