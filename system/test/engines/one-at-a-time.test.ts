import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BSON } from 'mongodb'
import { commandOf, messagesIn, storageIsAway } from './one-at-a-time.ts'

/** An OP_MSG with one section of kind 0. */
const message = (document: object): Buffer => {
  const body = BSON.serialize(document)
  const head = Buffer.alloc(16 + 4 + 1)
  head.writeInt32LE(head.length + body.length, 0)
  head.writeInt32LE(2013, 12)
  return Buffer.concat([head, body])
}

test('the command is the name of the first element', () => {
  assert.equal(commandOf(message({ update: 'orders', ordered: true })), 'update')
  assert.equal(commandOf(message({ find: 'orders' })), 'find')
})

test('whole messages are taken from the front, what is left waits', () => {
  const [one, two] = [message({ find: 'a' }), message({ insert: 'b' })]
  const { messages, rest } = messagesIn(Buffer.concat([one, two.subarray(0, 30)]))
  assert.deepEqual(messages, [one])
  assert.deepEqual(rest, two.subarray(0, 30))
})

test('an InternalError means that the storage is away; another refusal, or the words in a document, do not', () => {
  assert.ok(storageIsAway(message({ ok: 0, errmsg: 'failed to connect', code: 1, codeName: 'InternalError' })))
  assert.ok(!storageIsAway(message({ ok: 0, errmsg: 'InternalError', code: 11_000, codeName: 'DuplicateKey' })))
  assert.ok(!storageIsAway(message({ ok: 1, cursor: { firstBatch: [{ detail: 'InternalError' }] } })))
})
