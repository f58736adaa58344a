/** The sabotage of the offset: committed when a record is taken up. Inert unless named. */
import type { Core } from '../../core.ts'
import type { IncomingRecord, RecordHandling } from '../transport.ts'
import type { Consumer } from './client.ts'

/** The handling of records as it is, unless `commit-before-handler` is asked for. */
export function breakableHandling(core: Core, handle: RecordHandling, consumer: Consumer): RecordHandling {
  if (!core.environment.sabotage.has('commit-before-handler')) return handle
  const commit = async (records: readonly IncomingRecord[]) => {
    const { topic, place } = records.at(-1) ?? {}
    if (topic === undefined || !place) return
    const offset = place.offset + 1n
    await consumer.commit({ offsets: [{ topic, partition: place.partition, offset, leaderEpoch: -1 }] })
  }
  const { gathered } = handle
  return {
    recordsMax: handle.recordsMax,
    async together(records, signal, told) {
      await commit(records)
      await handle.together(records, signal, told)
    },
    ...(gathered && {
      async gathered(partitions, signal) {
        for (const records of partitions) await commit(records)
        return gathered(partitions, signal)
      },
    }),
  }
}
