/** Failed logins are counted per account and per address in a window; over the limit the answer is 429. */
import { Failure } from '@svyaz/kit'
import { sql } from 'kysely'
import type { UsersContext } from './accounts.ts'

export interface Throttled {
  subject: string
  max: number
}

/** @throws Failure too_many_requests with Retry-After */
export const refuseIfThrottled = async (context: UsersContext, subjects: readonly Throttled[]): Promise<void> => {
  const now = context.clock.now()
  const rows = await context.database.query
    .selectFrom('login_failures')
    .selectAll()
    .where(
      'subject',
      'in',
      subjects.map(({ subject }) => subject),
    )
    .where('window_ends_at', '>', new Date(now))
    .execute()
  const over = rows.find((row) => row.failures >= (subjects.find(({ subject }) => subject === row.subject)?.max ?? 0))
  if (!over) return
  context.log.warn({ subject: over.subject }, 'login throttled')
  throw new Failure('too_many_requests', 'too many failed logins; wait before you try again', {
    retryAfterSeconds: Math.ceil((new Date(over.window_ends_at).getTime() - now) / 1_000),
  })
}

/** Counts a failed login against each subject, for as long as its window lasts. */
export const countFailure = async (context: UsersContext, subjects: readonly Throttled[]): Promise<void> => {
  const now = new Date(context.clock.now())
  const ends = new Date(now.getTime() + context.settings.current().loginWindowSeconds * 1_000)
  await context.database.query
    .insertInto('login_failures')
    .values(
      [...subjects]
        .sort((a, b) => a.subject.localeCompare(b.subject))
        .map(({ subject }) => ({ subject, failures: 1, window_ends_at: ends })),
    )
    .onConflict((conflict) =>
      conflict.column('subject').doUpdateSet({
        failures: sql`CASE WHEN login_failures.window_ends_at > ${now} THEN login_failures.failures + 1 ELSE 1 END`,
        window_ends_at: sql`CASE WHEN login_failures.window_ends_at > ${now} THEN login_failures.window_ends_at ELSE ${ends} END`,
      }),
    )
    .execute()
}

/** Counts from nothing again after a good login. */
export const forgetFailures = async (context: UsersContext, subject: string): Promise<void> => {
  await context.database.query.deleteFrom('login_failures').where('subject', '=', subject).execute()
}
