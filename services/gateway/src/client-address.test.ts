import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientAddress, compileTrustedProxies } from './client-address.ts'

const trusted = compileTrustedProxies(['10.0.0.0/8', '192.168.1.1', 'fd00::/8'])

test('a forwarded address is believed only from a proxy of ours, and only up to the first stranger', () => {
  const cases = [
    ['203.0.113.9', '1.2.3.4', '203.0.113.9'],
    ['10.1.1.1', undefined, '10.1.1.1'],
    ['10.1.1.1', '1.2.3.4', '1.2.3.4'],
    ['10.1.1.1', '6.6.6.6, 1.2.3.4', '1.2.3.4'],
    ['10.1.1.1', '6.6.6.6, 1.2.3.4, 192.168.1.1', '1.2.3.4'],
    ['10.1.1.1', '1.2.3.4, nonsense', '10.1.1.1'],
    ['10.1.1.1', '10.2.2.2', '10.2.2.2'],
    ['::ffff:10.1.1.1', '2001:db8::1', '2001:db8::1'],
    ['fd00::1', '1.2.3.4', '1.2.3.4'],
  ] as const
  for (const [peer, forwarded, expected] of cases)
    assert.equal(clientAddress(peer, forwarded, trusted), expected, `${peer} ${forwarded}`)
  assert.equal(clientAddress('127.0.0.1', '1.2.3.4', compileTrustedProxies([])), '127.0.0.1')
})
