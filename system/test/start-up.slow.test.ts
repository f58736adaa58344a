/** "Ready" is a promise: what is posted the moment the ready line prints completes, at the first start and at every later one. */
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { until } from '../../lab/observe/until.ts'
import { removeHome, startSystem } from '../src/testing.ts'

const starts = 5

test(`an order posted at ready completes, ${starts} starts in a row on the same data`, {
  timeout: 600_000,
}, async (t) => {
  const home = mkdtempSync(join(tmpdir(), 'svyaz start '))
  t.after(() => removeHome(home))
  for (let start = 1; start <= starts; start += 1) {
    const startedMs = performance.now()
    await using system = await startSystem({ home, readyTimeoutMs: 120_000 })
    t.diagnostic(`start ${start}: ready after ${Math.round(performance.now() - startedMs)} ms`)
    const gateway = system.url('gateway')
    const email = `ada-${start}@example.com`
    // The very first requests, without a second try: registration, login, order.
    await post(gateway, '/users', { email, password: 'correct horse', name: 'Ada' })
    const { accessToken } = await post(gateway, '/auth/login', { email, password: 'correct horse' })
    const authorization = `Bearer ${accessToken}`
    const { id } = await post(gateway, '/orders', { items: [{ productId: 'P-1001', quantity: 1 }] }, authorization)
    await until(`order ${id} of start ${start} to complete`, async () => {
      const answer = await fetch(`${gateway}/orders/${id}`, { headers: { authorization } })
      return ((await answer.json()) as { status: string }).status === 'completed'
    })
  }
})

async function post(
  gateway: string,
  path: string,
  body: object,
  authorization?: string,
): Promise<Record<string, string>> {
  const answer = await fetch(`${gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization ? { authorization } : {}) },
    body: JSON.stringify(body),
  })
  const text = await answer.text()
  assert.equal(answer.status, path === '/auth/login' ? 200 : 201, `POST ${path} at ready: ${text}`)
  return JSON.parse(text) as Record<string, string>
}
