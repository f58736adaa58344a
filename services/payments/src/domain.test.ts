import assert from 'node:assert/strict'
import { test } from 'node:test'
import { next, type Payment, type Result, record, type Wish, wish } from './domain.ts'

const fresh: Payment = {
  orderId: 'o1',
  userId: 'u1',
  status: 'requested',
  amountMinor: 1_000,
  method: 'pm_ok',
  intent: undefined,
  version: 0,
  reason: undefined,
  processorId: undefined,
}
const charge: Wish = { type: 'charge', blocked: false }
const undo: Wish = { type: 'undo' }
const charged: Result = { type: 'charged', processorId: 'ch_1' }

/** Plays wishes; a Result stands for the processor's answer to the call that is due then. */
const play = (...inputs: (Wish | Result | 'work')[]) => {
  let payment = fresh
  const said: string[] = []
  const calls: string[] = []
  for (const input of inputs) {
    if (input === 'work') {
      const due = next(payment)
      if (due) {
        calls.push(due.call)
        payment = { ...payment, status: due.status }
      }
      continue
    }
    const outcome =
      'processorId' in input || ['declined', 'voided', 'refunded'].includes(input.type)
        ? record(payment, input as Result)
        : wish(payment, input as Wish)
    if (!outcome) continue
    payment = outcome.payment
    if (outcome.said) said.push(outcome.said.replace('payment.', ''))
  }
  return { status: payment.status, said: said.join(' '), calls: calls.join(' '), due: next(payment)?.call }
}

const scenarios: [string, Parameters<typeof play>, ReturnType<typeof play>][] = [
  ['charges', [charge, 'work', charged], { status: 'charged', said: 'completed', calls: 'charge', due: undefined }],
  [
    'a repeated task does nothing',
    [charge, charge, 'work', charged, charge, 'work'],
    { status: 'charged', said: 'completed', calls: 'charge', due: undefined },
  ],
  [
    'declined',
    [charge, 'work', { type: 'declined', reason: 'no' }],
    { status: 'declined', said: 'failed', calls: 'charge', due: undefined },
  ],
  [
    'refund after charge',
    [charge, 'work', charged, undo, 'work', { type: 'refunded' }, charge],
    { status: 'refunded', said: 'completed refunded', calls: 'charge refund', due: undefined },
  ],
  [
    'undone before the worker took it',
    [charge, undo, 'work', { type: 'voided' }],
    { status: 'voided', said: 'voided', calls: 'void', due: undefined },
  ],
  [
    'undone while the charge runs, which succeeds',
    [charge, 'work', undo, charged, 'work', { type: 'refunded' }],
    { status: 'refunded', said: 'completed refunded', calls: 'charge refund', due: undefined },
  ],
  [
    'undone while the charge runs, which is declined',
    [charge, 'work', undo, { type: 'declined', reason: 'no' }],
    { status: 'voided', said: 'voided', calls: 'charge', due: undefined },
  ],
  [
    'undone while the outcome is unknown',
    [charge, 'work', undo, 'work', { type: 'voided' }],
    { status: 'voided', said: 'voided', calls: 'charge void', due: undefined },
  ],
  [
    'undo before any charge; the charge that comes late does nothing',
    [undo, charge, 'work'],
    { status: 'voided', said: 'voided', calls: '', due: undefined },
  ],
  [
    'blocked user',
    [{ type: 'charge', blocked: true }],
    { status: 'declined', said: 'failed', calls: '', due: undefined },
  ],
  [
    'the order ended unpaid: closed in silence',
    [{ type: 'close' }, charge],
    { status: 'voided', said: '', calls: '', due: undefined },
  ],
  [
    'refused, then undone: answered',
    [charge, 'work', { type: 'declined', reason: 'no' }, undo],
    { status: 'voided', said: 'failed voided', calls: 'charge', due: undefined },
  ],
]

for (const [name, inputs, expected] of scenarios) {
  test(`payment: ${name}`, () => assert.deepEqual(play(...inputs), expected))
}
