/**
 * Produce (key 0): appends record batches.
 *
 * Promises that a batch is synced to the disk before it is acknowledged, for every acks but 0; that all partitions of
 * one request become durable together; that an idempotent producer's batch is appended once, and a repetition is
 * answered with the offset of the first (KIP-98).
 * Versions: 3 is the first with record batch v2, the only format here; 8 adds per-record errors, which stay empty, as
 * batches are judged whole; 9 is flexible; 10 the leader hint, never needed on one node.
 * Absent: transactions; recompression and log-append time (batches are kept as they came); versions 12 and 13.
 */
import type { Broker, Caller } from '../broker.ts'
import { type BatchHeader, faultOfBatch, readBatchHeader, stampBatch } from '../log/batch-header.ts'
import { InvalidAppend } from '../log/errors.ts'
import type { Entry } from '../log/log.ts'
import { errorCode } from '../protocol/error-codes.ts'
import { produceRequest, produceResponse } from '../protocol/messages/produce.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import { configValue } from '../topics/topic-configs.ts'
import type { Topic } from '../topics/topics.ts'
import { api } from './api.ts'

type Request = DecodedMessage<typeof produceRequest>
type Response = EncodableMessage<typeof produceResponse>
type PartitionAnswer = Response['responses'][number]['partitionResponses'][number]

/** One partition of the request that passed its guards. */
interface Candidate {
  readonly index: number
  readonly topic: Topic
  readonly batch: Buffer
  readonly header: BatchHeader
}

/** What became of one partition: an answer, or what it will be once the disk has the batch. */
interface Outcome {
  readonly answer: PartitionAnswer
  /** The append that the answer waits for. */
  readonly durable?: Promise<void>
}

export const produceApi = api({
  key: 0,
  name: 'Produce',
  // Below 3 nothing is answered, yet it must be offered: librdkafka before 2.3 takes a higher minimum for a broker
  // that can't decompress, and sends everything uncompressed (KAFKA-18659; Apache Kafka 4 does the same).
  min: 0,
  answeredFrom: 3,
  max: 11,
  scheduling: 'inline',
  request: produceRequest,
  response: produceResponse,
  handler: handleProduce,
})

/** Produce (0): answered when the records are on disk; with `acks=0` there is no answer. */
export async function handleProduce(broker: Broker, _caller: Caller, request: Request): Promise<Response | null> {
  if (request.acks < -1 || request.acks > 1) {
    return answerAll(request, errorCode.INVALID_REQUIRED_ACKS, `acks is -1, 0 or 1, not ${request.acks}`)
  }
  if (request.transactionalId !== null) {
    return answerAll(request, errorCode.INVALID_REQUEST, 'this broker has no transactions')
  }
  const judged = request.topicData.map(({ name, partitionData }) => ({
    name,
    partitions: partitionData.map(({ index, records }) => guard(broker, name, index, records)),
  }))
  const candidates = judged.flatMap(({ partitions }) => partitions.filter((one) => 'batch' in one))
  const loading = broker.producers.load(
    candidates.flatMap(({ topic, index, header }) =>
      header.producerId < 0n ? [] : [{ topicId: topic.topicId, partition: index }],
    ),
  )
  // Awaited only if something must be read: requests of one connection are handled in the order they came.
  if (loading !== undefined) await loading

  const outcomes = append(broker, candidates)
  const responses = await Promise.all(
    judged.map(async ({ name, partitions }) => ({
      name,
      partitionResponses: await Promise.all(
        partitions.map((one) => ('batch' in one ? settle(outcomes.get(one) as Outcome) : one)),
      ),
    })),
  )
  return request.acks === 0 ? null : { responses }
}

function guard(
  broker: Broker,
  name: string,
  index: number,
  records: readonly Buffer[] | null,
): Candidate | PartitionAnswer {
  const topic = broker.topics.get(name)
  if (topic === undefined || index < 0 || index >= topic.partitions) {
    return refused(index, errorCode.UNKNOWN_TOPIC_OR_PARTITION, null)
  }
  const batch = records?.[0]
  if (batch === undefined || batch.length === 0) return refused(index, errorCode.INVALID_RECORD, 'no record batch')
  const fault = faultOfBatch(batch)
  if (fault !== null) return refused(index, errorCode.CORRUPT_MESSAGE, `the record batch is unsound: ${fault}`)
  const header = readBatchHeader(batch)
  if (header.sizeBytes !== batch.length) {
    return refused(index, errorCode.INVALID_RECORD, 'a partition takes exactly one record batch per request')
  }
  if (header.isControl) return refused(index, errorCode.INVALID_RECORD, 'clients may not write control batches')
  if (header.isTransactional) {
    return refused(index, errorCode.INVALID_REQUEST, 'this broker has no transactions')
  }
  if (header.recordCount === 0 || header.recordCount - 1 !== header.lastOffsetDelta) {
    return refused(index, errorCode.INVALID_RECORD, 'the offsets of a new batch have no gaps')
  }
  const maxBytes = Number(configValue(topic.configs, 'max.message.bytes'))
  if (batch.length > maxBytes) {
    return refused(
      index,
      errorCode.MESSAGE_TOO_LARGE,
      `the batch has ${batch.length} bytes, the topic takes ${maxBytes}`,
    )
  }
  return { index, topic, batch, header }
}

/** Judges sequences, stamps offsets and hands everything to the log in one append. */
function append(broker: Broker, candidates: readonly Candidate[]): Map<Candidate, Outcome> {
  const outcomes = new Map<Candidate, Outcome>()
  const entries: Entry[] = []
  const accepted: { candidate: Candidate; baseOffset: bigint }[] = []
  const taken = new Set<string>()
  for (const candidate of candidates) {
    const { topic, index, batch, header } = candidate
    const { topicId } = topic
    const partition = `${topicId}/${index}`
    if (taken.has(partition)) {
      outcomes.set(candidate, { answer: refused(index, errorCode.INVALID_REQUEST, 'the partition is named twice') })
      continue
    }
    taken.add(partition)
    if (header.producerId >= 0n && !broker.producers.knows(topicId, index)) {
      const answer = refused(index, errorCode.KAFKA_STORAGE_ERROR, 'stored records of the partition are damaged')
      outcomes.set(candidate, { answer })
      continue
    }
    if (header.producerId >= 0n) {
      const { verdict, inFlight } = broker.producers.judge(topicId, index, header.producerId, header)
      if (verdict.kind === 'refuse') {
        outcomes.set(candidate, { answer: refused(index, verdict.errorCode, null) })
        continue
      }
      if (verdict.kind === 'duplicate') {
        const answer = accept(broker, candidate, verdict.baseOffset)
        outcomes.set(candidate, inFlight ? { answer, durable: inFlight } : { answer })
        continue
      }
    }
    const baseOffset = broker.log.stampOffset(topicId, index)
    stampBatch(batch, baseOffset, 0)
    entries.push({ kind: 'batch', topicId, partition: index, batch })
    accepted.push({ candidate, baseOffset })
  }
  if (entries.length === 0) return outcomes
  const durable = broker.log.append(entries)
  for (const { candidate, baseOffset } of accepted) {
    const { topic, index, header } = candidate
    if (header.producerId >= 0n) {
      broker.producers.appended(topic.topicId, index, header.producerId, header, baseOffset, durable)
    }
    outcomes.set(candidate, { answer: accept(broker, candidate, baseOffset), durable })
  }
  return outcomes
}

async function settle({ answer, durable }: Outcome): Promise<PartitionAnswer> {
  try {
    await durable
    return answer
  } catch (error) {
    if (error instanceof InvalidAppend)
      return refused(answer.index, errorCode.UNKNOWN_TOPIC_OR_PARTITION, error.message)
    const message = error instanceof Error ? error.message : String(error)
    return refused(answer.index, errorCode.KAFKA_STORAGE_ERROR, message)
  }
}

function accept(broker: Broker, { topic, index }: Candidate, baseOffset: bigint): PartitionAnswer {
  const { logStartOffset } = broker.log.bounds(topic.topicId, index)
  return { index, errorCode: errorCode.NONE, baseOffset, logStartOffset }
}

function refused(index: number, code: number, errorMessage: string | null): PartitionAnswer {
  return { index, errorCode: code, baseOffset: -1n, errorMessage }
}

function answerAll(request: Request, code: number, message: string): Response | null {
  if (request.acks === 0) return null
  return {
    responses: request.topicData.map(({ name, partitionData }) => ({
      name,
      partitionResponses: partitionData.map(({ index }) => refused(index, code, message)),
    })),
  }
}
