/** Which store: MongoDB when `SVYAZ_MONGO_URL` names one, else PostgreSQL. Its driver is loaded only when it is used. */
import type { Context } from '@svyaz/kit'
import { mongoUrl, type Settings } from '../config.ts'
import type { OpenOrderStore } from '../storage.ts'
import { PostgresOrderStore } from './postgres.ts'
import type { OrdersSchema } from './schema.ts'

/** The store that the environment asks for: MongoDB where it has an address, else PostgreSQL. */
export const openOrderStore = async (context: Context<Settings, OrdersSchema>): Promise<OpenOrderStore> => {
  const url = mongoUrl(context.environment)
  if (url === undefined) {
    // The kit opened it, watches it and closes it.
    return { store: new PostgresOrderStore(context.database, context.clock), notReady: () => [], close: async () => {} }
  }
  const { openMongoOrderStore } = await import('./mongodb.ts')
  return openMongoOrderStore(context, url)
}
