import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayControl } from './local-control.ts'

const ours = { host: '127.0.0.1:8101' }

test('whoever is at this machine may, by address, name or container', () => {
  for (const host of ['127.0.0.1:8101', 'localhost:8101', '[::1]:8101', 'mc1:8101', 'svyaz.localhost'])
    mayControl({ host }, [])
  mayControl({ ...ours, origin: 'http://127.0.0.1:8101', 'sec-fetch-site': 'same-origin' }, [])
  mayControl({ ...ours, 'sec-fetch-site': 'none' }, [])
})

test('a page of the console may, where it is configured', () => {
  const headers = { ...ours, origin: 'http://localhost:8090', 'sec-fetch-site': 'same-site' }
  mayControl(headers, ['http://localhost:8090'])
  assert.throws(() => mayControl(headers, []), { code: 'forbidden' })
})

test('a page of another site may not, however it comes', () => {
  const ways = [
    { ...ours, origin: 'https://evil.example' },
    { ...ours, origin: 'null' },
    { ...ours, 'sec-fetch-site': 'cross-site' },
    { ...ours, 'sec-fetch-site': 'same-site' },
    { ...ours, origin: 'http://127.0.0.1:9999', 'sec-fetch-site': 'same-site' },
    { ...ours, origin: 'http://localhost:9999' },
    { host: 'rebound.evil.example:8101' },
    {},
  ]
  for (const headers of ways)
    assert.throws(() => mayControl(headers, ['http://localhost:8090']), { code: 'forbidden' }, JSON.stringify(headers))
})
