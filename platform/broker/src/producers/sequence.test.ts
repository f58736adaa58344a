import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { errorCode } from '../protocol/error-codes.ts'
import { judge, type ProducerState, remember, type SequencedBatch, type Verdict } from './sequence.ts'

const batch = (baseSequence: number, records = 1, producerEpoch = 0): SequencedBatch => ({
  baseSequence,
  producerEpoch,
  lastOffsetDelta: records - 1,
})

/** Appends batches of this many records each, at offsets from 100 on. */
function after(...sizes: number[]): ProducerState {
  let state: ProducerState | undefined
  let sequence = 0
  for (const size of sizes) {
    state = remember(state, batch(sequence, size), 100n + BigInt(sequence))
    sequence += size
  }
  return state as ProducerState
}

const LAST = 2 ** 31 - 1
const refused = (code: number): Verdict => ({ kind: 'refuse', errorCode: code })

const cases: readonly { what: string; state: ProducerState | undefined; next: SequencedBatch; verdict: Verdict }[] = [
  { what: 'an unknown producer may start anywhere', state: undefined, next: batch(77), verdict: { kind: 'append' } },
  { what: 'the next sequence is appended', state: after(3, 2), next: batch(5), verdict: { kind: 'append' } },
  {
    what: 'a gap is refused',
    state: after(3, 2),
    next: batch(6),
    verdict: refused(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
  },
  {
    what: 'the last batch again is answered with its first offset',
    state: after(3, 2),
    next: batch(3, 2),
    verdict: { kind: 'duplicate', baseOffset: 103n },
  },
  {
    what: 'the fifth last batch again is a duplicate',
    state: after(1, 1, 1, 1, 1, 1),
    next: batch(1),
    verdict: { kind: 'duplicate', baseOffset: 101n },
  },
  {
    what: 'the sixth last is out of order: nobody remembers where it went',
    state: after(1, 1, 1, 1, 1, 1),
    next: batch(0),
    verdict: refused(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
  },
  {
    what: 'the same start with another length is not a duplicate',
    state: after(3, 2),
    next: batch(3, 1),
    verdict: refused(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
  },
  {
    what: 'an older epoch is fenced',
    state: { epoch: 2, batches: [] },
    next: batch(0, 1, 1),
    verdict: refused(errorCode.INVALID_PRODUCER_EPOCH),
  },
  { what: 'a newer epoch starts at 0', state: after(3), next: batch(0, 1, 1), verdict: { kind: 'append' } },
  {
    what: 'a newer epoch may not start elsewhere',
    state: after(3),
    next: batch(3, 1, 1),
    verdict: refused(errorCode.OUT_OF_ORDER_SEQUENCE_NUMBER),
  },
  {
    what: 'sequences start again at 0 after the last',
    state: remember(undefined, batch(LAST), 5n),
    next: batch(0),
    verdict: { kind: 'append' },
  },
  {
    what: 'a batch may itself run over the end',
    state: remember(undefined, batch(LAST - 1, 4), 5n),
    next: batch(2),
    verdict: { kind: 'append' },
  },
  {
    what: 'such a batch again is a duplicate',
    state: remember(undefined, batch(LAST - 1, 4), 5n),
    next: batch(LAST - 1, 4),
    verdict: { kind: 'duplicate', baseOffset: 5n },
  },
  {
    what: 'a producer id without a sequence is refused',
    state: undefined,
    next: batch(-1),
    verdict: refused(errorCode.INVALID_RECORD),
  },
]

describe('the next batch of an idempotent producer', () => {
  for (const { what, state, next, verdict } of cases) {
    it(what, () => assert.deepEqual(judge(state, next), verdict))
  }

  it('of a newer epoch leaves nothing of the older one', () => {
    const state = remember(after(1, 1, 1), batch(0, 1, 1), 200n)
    assert.deepEqual(state, { epoch: 1, batches: [{ firstSequence: 0, lastSequence: 0, baseOffset: 200n }] })
  })
})
