import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { test } from 'node:test'
import { allowedHosts, foreignCaller, foreignProbe } from './callers.ts'

const allowed = allowedHosts('127.0.0.1', ['Discovery'])

test('loopback names, our own address and configured names may call', () => {
  for (const host of ['localhost:8500', '127.0.0.1', '[::1]:8500', 'LOCALHOST', 'discovery:8500']) {
    assert.equal(foreignCaller({ host }, allowed), null, host)
  }
  assert.equal(foreignCaller({ host: '[fd00::1]:1' }, allowedHosts('fd00::1', [])), null)
})

test('a foreign name is refused, and so is none', () => {
  for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8500', '', undefined]) {
    assert.match(foreignCaller({ host }, allowed) ?? '', /^Host /, String(host))
  }
})

test('a page may call only where it came from', () => {
  const host = 'localhost:8500'
  assert.equal(foreignCaller({ host, origin: 'http://localhost:8500' }, allowed), null)
  for (const origin of ['http://evil.example', 'http://localhost:3000', 'null', 'http://127.0.0.1:8500']) {
    assert.match(foreignCaller({ host, origin }, allowed) ?? '', /^Origin /, origin)
  }
})

test('probes and scrapers of a network may use any name until names are configured, those of this machine its own', () => {
  const ask = (host: string, localAddress: string, configured: readonly string[]) =>
    foreignProbe({ headers: { host }, socket: { localAddress } } as IncomingMessage, configured)
  assert.equal(ask('scraper.example', '192.0.2.1', []), null)
  assert.match(ask('scraper.example', '192.0.2.1', ['discovery']) ?? '', /^Host /)
  assert.equal(ask('discovery:8500', '192.0.2.1', ['discovery']), null)
  assert.match(ask('rebound.example', '127.0.0.1', []) ?? '', /^Host /)
  assert.equal(ask('localhost:8500', '127.0.0.1', []), null)
})
