import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayControl } from './local-control.ts'

const ours = { host: '127.0.0.1:8101' }

test('whoever is at this machine may, by address, name or container', () => {
  for (const host of ['127.0.0.1:8101', 'localhost:8101', '[::1]:8101', 'mc1:8101', 'svyaz.localhost'])
    mayControl({ host })
  mayControl({ ...ours, origin: 'http://localhost:8090', 'sec-fetch-site': 'same-site' })
})

test('a page of another site may not, however it comes', () => {
  const ways = [
    { ...ours, origin: 'https://evil.example' },
    { ...ours, origin: 'null' },
    { ...ours, 'sec-fetch-site': 'cross-site' },
    { host: 'rebound.evil.example:8101' },
    {},
  ]
  for (const headers of ways) assert.throws(() => mayControl(headers), { code: 'forbidden' }, JSON.stringify(headers))
})
