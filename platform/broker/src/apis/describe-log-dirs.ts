/**
 * DescribeLogDirs (key 35): how many bytes each partition takes.
 *
 * Promises the bytes of the record batches that are kept, wherever they lie: records of the write-ahead log that no
 * partition segment holds yet count too.
 * Versions: 3 adds an error for the whole; 4 the size of the volume, which is not told (-1).
 * Absent: the path (a client has no use for it), replicas that are being moved, partitions that were asked for and don't
 * exist: as in Apache Kafka they are left out.
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { describeLogDirsRequest, describeLogDirsResponse } from '../protocol/messages/describe-log-dirs.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { api } from './api.ts'

export const describeLogDirsApi = api({
  key: 35,
  name: 'DescribeLogDirs',
  min: 1,
  max: 4,
  scheduling: 'inline',
  request: describeLogDirsRequest,
  response: describeLogDirsResponse,
  handler: handleDescribeLogDirs,
})

/** DescribeLogDirs (35): the one log directory, with the bytes of each partition. */
function handleDescribeLogDirs(
  broker: Broker,
  _caller: Caller,
  request: DecodedMessage<typeof describeLogDirsRequest>,
): EncodableMessage<typeof describeLogDirsResponse> {
  const wanted = request.topics && new Map(request.topics.map((row) => [row.topic, new Set(row.partitions)]))
  const bytes = new Map<string, number>()
  for (const size of broker.log.sizes()) bytes.set(`${size.topicId}/${size.partition}`, size.bytes)
  const topics = [...broker.topics.all()]
    .filter(({ name }) => wanted?.has(name) ?? true)
    .map(({ name, topicId, partitions }) => ({
      name,
      partitions: Array.from({ length: partitions }, (_, partitionIndex) => partitionIndex)
        .filter((partition) => wanted?.get(name)?.has(partition) ?? true)
        .map((partitionIndex) => ({
          partitionIndex,
          partitionSize: BigInt(bytes.get(`${topicId}/${partitionIndex}`) ?? 0),
          offsetLag: 0n,
          isFutureKey: false,
        })),
    }))
  return { errorCode: errorCode.NONE, results: [{ errorCode: errorCode.NONE, logDir: '/', topics }] }
}
