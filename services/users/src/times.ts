/** Times of sessions and tokens as PostgreSQL reckons them: one clock for all instances. */
import { type RawBuilder, sql } from 'kysely'
import type { UsersContext } from './context.ts'

export const databaseNow = sql<Date>`now()`

/** That long after `time`, which is a column or an expression of PostgreSQL. */
export const after = (time: RawBuilder<Date>, seconds: number) => sql<Date>`${time} + make_interval(secs => ${seconds})`

/** When a session ends at the latest. The setting may have been lowered since it began. */
export const sessionEnd = (context: UsersContext, createdAt: RawBuilder<Date>) =>
  after(createdAt, context.settings.current().sessionSecondsMax)

/** Whole seconds until a time of PostgreSQL's. */
export const secondsLeft = (until: RawBuilder<unknown>) => sql<number>`floor(extract(epoch FROM ${until} - now()))::int`
