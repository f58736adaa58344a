import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { MailTap } from './ledger.ts'

test('mails that the server has dropped since they were read are still counted, a repeated one twice', async () => {
  let held = ['1 <a>', '2 <b>']
  const server = createServer((request, response) => {
    const query = new URL(request.url!, 'http://sink').searchParams
    const before = Number(query.get('before') ?? Number.POSITIVE_INFINITY)
    const newestFirst = held
      .map((line) => line.split(' ') as [id: string, messageId: string])
      .filter(([id]) => Number(id) < before)
      .toReversed()
    const page = newestFirst.slice(0, 2).map(([id, messageId]) => ({ id, messageId }))
    response.end(JSON.stringify({ mails: page, ...(newestFirst.length > 2 ? { next: page.at(-1)!.id } : {}) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    await using mails = new MailTap(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
    assert.deepEqual((await mails.read()).toSorted(), ['<a>', '<b>'])
    held = ['2 <b>', '3 <c>', '4 <b>', '5 <d>']
    assert.deepEqual((await mails.read()).toSorted(), ['<a>', '<b>', '<b>', '<c>', '<d>'])
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
