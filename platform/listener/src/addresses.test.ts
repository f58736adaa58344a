import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressKey, isLoopback } from './addresses.ts'

describe('the key of an address', () => {
  for (const [address, key] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:0db8:0001:0002:ffff::', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['', ''],
  ] as const)
    it(`${address || 'of a Unix socket'} is ${key || 'empty'}`, () => assert.equal(addressKey(address), key))

  it('knows loopback in each of its forms', () => {
    for (const own of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.ok(isLoopback(own), own)
    for (const other of ['192.0.2.7', '2001:db8::1', '', undefined]) assert.ok(!isLoopback(other), other)
  })
})
