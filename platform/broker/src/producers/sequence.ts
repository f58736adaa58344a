/**
 * Idempotence (KIP-98): what is remembered of one producer id in one partition, and how its next batch is judged.
 * Pure; the log's batch headers hold all that is needed to rebuild it.
 */
import { errorCode } from '../protocol/error-codes.ts'

/** Sequence numbers run 0 … 2³¹−1 and start again at 0. */
const SEQUENCES = 2 ** 31
/** A producer may have five requests in flight, so any of the last five batches may come again. */
export const BATCHES_REMEMBERED = 5

/** What idempotence needs of a batch. */
export interface SequencedBatch {
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly lastOffsetDelta: number
}

export interface RememberedBatch {
  readonly firstSequence: number
  readonly lastSequence: number
  readonly baseOffset: bigint
}

export interface ProducerState {
  readonly epoch: number
  /** Oldest first, at most five, all of this epoch. */
  readonly batches: readonly RememberedBatch[]
}

export type Verdict =
  | { readonly kind: 'append' }
  | { readonly kind: 'duplicate'; readonly baseOffset: bigint }
  | { readonly kind: 'refuse'; readonly errorCode: number }

/** The sequence number of a batch's last record; sequence numbers wrap at 2³¹ (KIP-98). */
export const lastSequenceOf = ({ baseSequence, lastOffsetDelta }: SequencedBatch): number =>
  (baseSequence + lastOffsetDelta) % SEQUENCES

const APPEND: Verdict = { kind: 'append' }
const refuse = (code: number): Verdict => ({ kind: 'refuse', errorCode: code })

/** Judges the next batch of a producer; `state` is undefined for one that this partition doesn't know. */
export function judge(state: ProducerState | undefined, batch: SequencedBatch): Verdict {
  if (batch.baseSequence < 0 || batch.producerEpoch < 0) return refuse(errorCode.INVALID_RECORD)
  // Its earlier batches may be gone by retention, so any start is taken.
  if (state === undefined) return APPEND
  if (batch.producerEpoch < state.epoch) return refuse(errorCode.INVALID_PRODUCER_EPOCH)
  if (batch.producerEpoch > state.epoch) {
    return batch.baseSequence === 0 ? APPEND : refuse(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
  }
  const lastSequence = lastSequenceOf(batch)
  for (const known of state.batches) {
    if (known.firstSequence === batch.baseSequence && known.lastSequence === lastSequence) {
      return { kind: 'duplicate', baseOffset: known.baseOffset }
    }
  }
  const latest = state.batches.at(-1)
  if (latest === undefined) return APPEND
  return batch.baseSequence === (latest.lastSequence + 1) % SEQUENCES
    ? APPEND
    : refuse(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER)
}

/** The state after a batch was appended at `baseOffset`. */
export function remember(state: ProducerState | undefined, batch: SequencedBatch, baseOffset: bigint): ProducerState {
  const added: RememberedBatch = {
    firstSequence: batch.baseSequence,
    lastSequence: lastSequenceOf(batch),
    baseOffset,
  }
  const earlier = state !== undefined && state.epoch === batch.producerEpoch ? state.batches : []
  return { epoch: batch.producerEpoch, batches: [...earlier, added].slice(-BATCHES_REMEMBERED) }
}
