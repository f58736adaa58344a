import assert from 'node:assert/strict'
import { test } from 'node:test'
import { limitKeyOf } from './client-key.ts'

test('an IPv6 client is counted by its /64', () => {
  assert.equal(limitKeyOf('1.2.3.4'), '1.2.3.4')
  assert.equal(limitKeyOf('2001:db8:0:1:aaaa::1'), limitKeyOf('2001:0db8::1:bbbb:0:0:2'))
  assert.notEqual(limitKeyOf('2001:db8:0:1::1'), limitKeyOf('2001:db8:0:2::1'))
  assert.equal(limitKeyOf('::1'), '0:0:0:0::/64')
})
