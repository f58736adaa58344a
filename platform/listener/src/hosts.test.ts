import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isForeignHost } from './hosts.ts'

describe('the Host of a request', () => {
  const own = ['localhost', 'localhost:8080', 'LOCALHOST', 'shop.localhost', '127.0.0.1:1', '[::1]:80', '192.0.2.7']
  const foreign = [
    'evil.example',
    'evil.example:8080',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '[evil]',
    '',
  ]
  for (const host of own)
    it(`${host} is ours on loopback`, () => assert.ok(!isForeignHost(host, '127.0.0.1', { names: [] })))
  for (const host of foreign) {
    it(`${host || 'nothing'} is foreign on loopback, IPv6 and mapped too`, () => {
      for (const local of ['127.0.0.1', '::1', '::ffff:127.0.0.1'])
        assert.ok(isForeignHost(host, local, { names: ['gateway'] }))
      assert.ok(isForeignHost(host, '127.0.0.1', { names: [] }))
    })
    it(`${host || 'nothing'} is foreign elsewhere once names are configured, and only then`, () => {
      assert.ok(isForeignHost(host, '192.0.2.1', { names: ['gateway'] }))
      assert.ok(!isForeignHost(host, '192.0.2.1', { names: [] }))
    })
  }
  it('may be a configured name', () => {
    assert.ok(!isForeignHost('Shop.example:443', '127.0.0.1', { names: ['shop.example'] }))
  })
  it('may be left out: browsers never do', () => assert.ok(!isForeignHost(undefined, '127.0.0.1', { names: [] })))
})
