/** Each operation passes here, as each SQL statement passes through the kit's pool: a span, its time, its errors sorted. */
import type { MongoContext } from './context.ts'
import { asFailure } from './errors.ts'

export interface Calls {
  /** @throws Failure('unavailable') when MongoDB is away; any other error as the driver threw it. */
  call<T>(operation: string, collection: string, run: () => Promise<T>): Promise<T>
}

/** Measures every call of the database, and turns its errors into Failures. */
export const createCalls = ({ clock, metrics, tracer }: Pick<MongoContext, 'clock' | 'metrics' | 'tracer'>): Calls => {
  // The name of the kit's own: a service has one database or the other, and the service level is the same.
  const seconds = metrics.histogram('svyaz_database_statement_seconds', 'Time of database operations', ['operation'])
  const timed = async <T>(operation: string, run: () => Promise<T>): Promise<T> => {
    const startedAt = clock.monotonic()
    try {
      return await run()
    } catch (error) {
      throw asFailure(error)
    } finally {
      seconds.observe((clock.monotonic() - startedAt) / 1_000, { operation })
    }
  }
  return {
    call: (operation, collection, run) =>
      tracer.current() === undefined
        ? timed(operation, run)
        : tracer.span(
            `MongoDB ${operation}`,
            {
              kind: 'client',
              attributes: {
                'db.system': 'mongodb',
                'db.operation': operation,
                'db.mongodb.collection': collection,
              },
            },
            () => timed(operation, run),
          ),
  }
}
