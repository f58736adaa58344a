/** One connection that stands outside the pool: for LISTEN, for a leader's lock, for migrations. */
import pg from 'pg'
import type { Core } from '../core.ts'
import { asFailure } from './errors.ts'
import { sessionSettings } from './pool.ts'

/**
 * Connects. `ended` settles, without an error, when the connection is gone for whatever reason.
 *
 * @throws Failure('unavailable') while the server is away.
 */
export async function connect(
  core: Core,
  url: string,
  purpose: string,
): Promise<{ client: pg.Client; ended: Promise<void>; close(): Promise<void> }> {
  const client = new pg.Client({
    ...sessionSettings(core, url, 0),
    application_name: `${core.environment.instance}/${purpose}`,
  })
  const gone = Promise.withResolvers<void>()
  client.on('error', () => gone.resolve())
  client.on('end', () => gone.resolve())
  try {
    await client.connect()
  } catch (error) {
    await client.end().catch(() => undefined)
    throw asFailure(error)
  }
  return { client, ended: gone.promise, close: () => client.end().catch(() => undefined) }
}
