/** PostgreSQL on the data of a system that doesn't run, for as long as somebody looks at it. */
import { existsSync } from 'node:fs'
import { databaseOf, type Topology } from '../../topology.ts'
import type { Checkout } from '../checkout.ts'
import { ensureCredentials } from './credentials.ts'
import { openHome } from './home.ts'
import { takeLock } from './lock.ts'
import { placesIn } from './places.ts'

/**
 * Starts the server on a free port and holds the home's lock, so that the system can't be started under it. Databases
 * that the topology has gained since the last start are made.
 *
 * @returns undefined when there is no data: nothing was ever started on this home.
 * @param checkout whose code this is.
 * @throws SupervisorError when the home is in use, or newer than the checkout.
 */
export async function startPostgresAlone(
  home: string,
  checkout: Checkout,
  topology: Topology,
  log: string,
): Promise<(AsyncDisposable & { readonly port: number }) | undefined> {
  const places = placesIn(home)
  // Its account may keep the data elsewhere; the record is written once the databases were there.
  if (!existsSync(places.databases)) return undefined
  const releaseLock = takeLock(places.lock, { instead: '`svyaz db` uses the data' })
  try {
    openHome(places, checkout)
    const { password } = ensureCredentials(places.keys, topology)
    const { startPostgres } = await import('../postgres/index.ts')
    const engine = await startPostgres({ directory: places.data('postgres'), port: 0, host: '127.0.0.1', log })
    const named = topology.processes.flatMap((process) => databaseOf(process) ?? [])
    try {
      await engine.ensureDatabases(named.map((name) => ({ name, role: name, password: password(name) })))
    } catch (error) {
      await engine.stop()
      throw error
    }
    return {
      port: engine.port,
      async [Symbol.asyncDispose]() {
        await engine.stop()
        releaseLock()
      },
    }
  } catch (error) {
    releaseLock()
    throw error
  }
}
