import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyMailbox, find, keep, type Received } from './mailbox.ts'

const limits = { mailsMax: 3, bytesMax: 10_000 }
const received = (
  sequence: number,
  messageId: string,
  more: { to?: string; subject?: string; text?: string } = {},
): Received => ({
  v: 1,
  sequence,
  receivedAt: '2026-01-01T00:00:00.000Z',
  envelope: { from: 'shop@example.org', to: [more.to ?? 'ann@example.org'] },
  raw: `Message-ID: ${messageId}\r\nSubject: ${more.subject ?? 'Paid'}\r\n\r\n${more.text ?? 'text'}`,
})

test('a second mail with the same Message-ID is kept and marked', () => {
  const mailbox = emptyMailbox()
  assert.equal(keep(mailbox, received(1, '<a>'), limits).duplicateOf, undefined)
  assert.equal(keep(mailbox, received(2, '<a>'), limits).duplicateOf, '1')
  assert.equal(keep(mailbox, received(3, '<b>'), limits).duplicateOf, undefined)
  assert.deepEqual([mailbox.mails.size, mailbox.duplicates], [3, 1])
})

test('mails without a Message-ID are never duplicates of each other', () => {
  const mailbox = emptyMailbox()
  keep(mailbox, received(1, ''), limits)
  assert.equal(keep(mailbox, received(2, ''), limits).duplicateOf, undefined)
})

test('the oldest go above the limits, with what was remembered of them', () => {
  const mailbox = emptyMailbox()
  for (let at = 1; at <= 5; at += 1) keep(mailbox, received(at, `<${at}>`), limits)
  assert.deepEqual([...mailbox.mails.keys()], ['3', '4', '5'])
  assert.equal(mailbox.firsts.size, 3)
  assert.equal(
    mailbox.bytes,
    [...mailbox.mails.values()].reduce((sum, mail) => sum + mail.bytes, 0),
  )
  keep(mailbox, received(6, '<6>', { text: 'x'.repeat(20_000) }), limits)
  assert.deepEqual([...mailbox.mails.keys()], ['6'], 'one mail above the byte limit still is kept')
})

test('finding: recipient, subject, Message-ID, pages newest first', () => {
  const mailbox = emptyMailbox()
  const wide = { mailsMax: 100, bytesMax: 1_000_000 }
  for (let at = 1; at <= 5; at += 1)
    keep(
      mailbox,
      received(at, `<${at}>`, at % 2 === 0 ? { to: 'Bob@Example.org', subject: 'Order shipped' } : {}),
      wide,
    )
  const ids = (query: Parameters<typeof find>[1]) => find(mailbox, query).mails.map((mail) => mail.id)
  assert.deepEqual(ids({ limit: 10, to: 'bob@example.ORG' }), ['4', '2'])
  assert.deepEqual(ids({ limit: 10, to: 'bob' }), [])
  assert.deepEqual(ids({ limit: 10, subject: 'SHIPPED' }), ['4', '2'])
  assert.deepEqual(ids({ limit: 10, messageId: '<3>' }), ['3'])
  assert.deepEqual(ids({ limit: 10, contains: 'bob@' }), ['4', '2'], 'a part of an address')
  assert.deepEqual(ids({ limit: 10, contains: 'SHIPPED' }), ['4', '2'])
  assert.deepEqual(ids({ limit: 10, contains: 'Tex' }), ['5', '4', '3', '2', '1'])
  assert.deepEqual(ids({ limit: 10, contains: 'nowhere' }), [])
  const first = find(mailbox, { limit: 2 })
  assert.deepEqual([first.mails.map((mail) => mail.id), first.total, first.next], [['5', '4'], 5, '4'])
  assert.deepEqual(ids({ limit: 3, before: 4 }), ['3', '2', '1'])
  assert.equal(find(mailbox, { limit: 3, before: 4 }).next, undefined)
})
