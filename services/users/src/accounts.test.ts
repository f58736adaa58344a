import assert from 'node:assert/strict'
import { test } from 'node:test'
import { whyNoSeededAdmin } from './accounts.ts'

test('the well-known administrator is for the embedded profile on loopback, and nowhere else', () => {
  for (const host of ['127.0.0.1', '::1', 'localhost']) assert.equal(whyNoSeededAdmin('embedded', host), undefined)
  for (const host of ['0.0.0.0', '::', '192.0.2.7', 'example.com']) {
    assert.match(whyNoSeededAdmin('embedded', host) ?? '', new RegExp(`refused while listening on ${host}`))
  }
  assert.match(whyNoSeededAdmin('scale-out', '127.0.0.1') ?? '', /embedded profile/)
})
