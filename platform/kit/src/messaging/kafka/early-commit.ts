/** The sabotage of the offset: committed when a record is taken up. Wraps the handling of a group; inert unless named. */
import type { Core } from '../../core.ts'
import type { RecordHandling } from '../transport.ts'
import type { Consumer } from './client.ts'

/** The handling as it is, unless `commit-before-handler` is asked for. */
export function breakableHandling(core: Core, handle: RecordHandling, consumer: Consumer): RecordHandling {
  if (!core.environment.sabotage.has('commit-before-handler') || typeof handle !== 'function') return handle
  return async (record, signal) => {
    const { topic, place } = record
    if (place) {
      const offset = place.offset + 1n
      await consumer.commit({ offsets: [{ topic, partition: place.partition, offset, leaderEpoch: -1 }] })
    }
    await handle(record, signal)
  }
}
