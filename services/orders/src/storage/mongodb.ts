/**
 * Orders in MongoDB. Only what every server of its protocol can do is used: single-document writes, unique indexes; no
 * multi-document transaction, no change stream, no update by pipeline. A write is acknowledged when most of a replica
 * set have it in their journals, and only what most have is read, so that nothing answered is lost by a fail-over.
 */
import { MongoClient, type ServerDescription } from 'mongodb'
import { limits } from '../config.ts'
import type { OpenOrderStore } from '../storage.ts'
import { type Calls, createCalls } from './mongodb/calls.ts'
import { type Collections, collectionsOf, ensureIndexes } from './mongodb/collections.ts'
import type { MongoContext } from './mongodb/context.ts'
import { isAway } from './mongodb/errors.ts'
import { Candidate } from './mongodb/lease.ts'
import { LeaseDocument } from './mongodb/lease-document.ts'
import { MongoOrderStore } from './mongodb/store.ts'

/**
 * Waits until a server takes writes and has the indexes, then gives the store.
 *
 * @param url `mongodb://…/<database>`; the options here win over its own.
 * @throws Error of the server that no waiting mends: wrong credentials, an index that contradicts.
 */
export const openMongoOrderStore = async (context: MongoContext, url: string): Promise<OpenOrderStore> => {
  const { mongo } = limits
  const client = new MongoClient(url, {
    appName: context.instance,
    maxPoolSize: mongo.connectionsMax,
    minPoolSize: 1,
    serverSelectionTimeoutMS: mongo.serverSelectionMs,
    waitQueueTimeoutMS: mongo.connectionWaitMs,
    connectTimeoutMS: mongo.connectMs,
    socketTimeoutMS: mongo.socketMs,
    heartbeatFrequencyMS: mongo.heartbeatMs,
    writeConcern: { w: 'majority', journal: true, wtimeoutMS: mongo.operationMs },
    readConcern: { level: 'majority' },
    readPreference: 'primary',
    ignoreUndefined: true,
  })
  const calls = createCalls(context)
  const collections = collectionsOf(client.db())
  const health = watchHealth(context, client)
  await untilThere(context, calls, collections)

  const store = new MongoOrderStore({
    collections,
    calls,
    clock: context.clock,
    whileLeader: (signal, work) => {
      const me = { holder: context.instance, process: context.ids.uuid() }
      const lease = new LeaseDocument(calls, collections.leases, 'outbox-publisher', me)
      return new Candidate(context, lease).lead(signal, work)
    },
  })
  return { store, notReady: health, close: () => client.close() }
}

async function untilThere(context: MongoContext, calls: Calls, collections: Collections): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await ensureIndexes(calls, collections)
    } catch (error) {
      if (!isAway(error)) throw error
      if (attempt === 1) context.log.warn({ error: String(error.cause) }, 'waiting for MongoDB')
      await context.clock.delay((0.5 + context.random() / 2) * Math.min(50 * 2 ** attempt, 2_000))
    }
  }
}

/** Ready while the driver knows a server that takes writes; it asks each of them every heartbeat. */
function watchHealth(context: MongoContext, client: MongoClient): () => readonly string[] {
  let writable: boolean | undefined
  client.on('topologyDescriptionChanged', ({ newDescription }) => {
    const servers: ServerDescription[] = [...newDescription.servers.values()]
    const now = servers.some((server) => server.isWritable)
    if (writable === true && !now) context.log.warn({ topology: newDescription.type }, 'MongoDB is away')
    if (writable === false && now) context.log.info({ topology: newDescription.type }, 'MongoDB takes writes')
    writable = now
  })
  return () => (writable === true ? [] : ['database: away'])
}
