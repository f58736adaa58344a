/**
 * The head of what a member of protocol type "consumer" sends as its protocol metadata (Apache Kafka:
 * ConsumerProtocolSubscription): int16 version, then an array of topic names. The rest depends on the version.
 */
import { Reader } from '../protocol/bytes.ts'

/** The topics a member subscribes to, sorted; null when the bytes are not a subscription. */
export function subscribedTopics(metadata: Buffer): readonly string[] | null {
  try {
    const reader = new Reader(metadata)
    reader.int16()
    const count = reader.int32()
    if (count < 0 || count > reader.remaining) return null
    return Array.from({ length: count }, () => reader.text(reader.int16())).sort()
  } catch {
    return null
  }
}

/** Whether two metadata blobs ask for the same topics. Blobs of an unknown form are the same when their bytes are. */
export function sameSubscription(left: Buffer, right: Buffer): boolean {
  const a = subscribedTopics(left)
  const b = subscribedTopics(right)
  if (a === null || b === null) return left.equals(right)
  return a.length === b.length && a.every((topic, index) => topic === b[index])
}
