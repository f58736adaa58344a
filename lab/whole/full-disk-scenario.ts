/**
 * Run by full-disk.slow.test.ts in a mount namespace of its own: the whole home is on a small tmpfs, which is filled up
 * for real while orders are placed, and freed again. Ends with 0 when nothing was lost; says what was seen.
 *
 *   node full-disk-scenario.ts <folder to mount on>
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { type Answer, ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import pg from 'pg'
import { type System, startSystem } from '../../system/src/testing.ts'

/** A fresh home of these processes takes about a third. */
const diskBytes = 768 * 1024 ** 2
const refusalsWanted = 10
const fullForMsMax = 150_000
const account = { email: 'fulvia.full@example.org', password: 'a disk has an end' }

const folder = process.argv[2]
assert.ok(folder !== undefined, 'a folder to mount on')
execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${diskBytes},mode=0755`, 'svyaz-full-disk', folder])

await using system = await startSystem({
  home: join(folder, 'home'),
  only: ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery'],
  readyTimeoutMs: 150_000,
})
assert.equal((await post('/users', { ...account, name: 'Fulvia' })).status, 201)
const { accessToken } = (await post('/auth/login', account)).body as Tokens
const before = await accepted(randomUUID())

const ballast = join(folder, 'ballast')
fill(ballast)
const keys = new Map<string, string | undefined>()
const refusals: Answer[] = []
const giveUpAt = performance.now() + fullForMsMax
while (refusals.length < refusalsWanted && performance.now() < giveUpAt) {
  // What was freed meanwhile (old logs, a checkpoint) is taken too.
  fill(`${ballast}-${keys.size}`)
  const key = randomUUID()
  const answer = await place(key)
  keys.set(key, answer.status === 201 ? (answer.body as OrderView).id : undefined)
  if (answer.status !== 201) refusals.push(answer)
}
const acceptedWhileFull = [...keys.values()].filter((id) => id !== undefined)
process.stdout.write(
  `full: ${acceptedWhileFull.length} orders were accepted, ${refusals.length} refused: ${[...new Set(refusals.map(({ status, body }) => `${status} ${(body as { code: string }).code}`))].join(', ')}\n`,
)
assert.ok(refusals.length >= refusalsWanted, `the disk was full for ${fullForMsMax} ms, and nearly nothing was refused`)
for (const { status, headers, body } of refusals) {
  assert.ok(status === 503 || status === 504 || status === 429, `refused with ${status}: ${JSON.stringify(body)}`)
  assert.ok(Number(headers['retry-after']) >= 1, `${status} without Retry-After`)
}

execFileSync('sh', ['-c', 'rm -f "$0"*', ballast])
const freedAt = performance.now()
const after = await accepted(randomUUID())
process.stdout.write(`freed: the next order was accepted after ${Math.round(performance.now() - freedAt)} ms\n`)
// A refused order may be asked for again with its key; whatever became of the first try, there is one.
for (const [key, id] of keys) if (id === undefined) keys.set(key, await accepted(key))
const ids = [before, after, ...keys.values()] as string[]
assert.equal(new Set(ids).size, ids.length, 'each key has an order of its own')
await system.waitReady(60_000)
await untilCompleted(system, ids)
process.stdout.write(`all of ${ids.length} orders are completed\n`)

/** Writes until nothing more fits. */
function fill(path: string): void {
  for (const bytes of [1024 ** 2, 4_096]) {
    const file = openSync(path, 'a')
    try {
      while (writeSync(file, Buffer.alloc(bytes)) === bytes);
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC')
    } finally {
      closeSync(file)
    }
  }
}

function post(path: string, body: object, headers: Record<string, string> = {}, token?: string): Promise<Answer> {
  return ask('POST', `${system.url('gateway')}${path}`, { body, headers, token })
}

function place(key: string): Promise<Answer> {
  return post('/orders', { items: [{ productId: 'P-1001', quantity: 1 }] }, { 'idempotency-key': key }, accessToken)
}

/** As a careful client does: with the same key, when the answer says so, until it is a yes. */
function accepted(key: string): Promise<string> {
  return until(
    'an order to be accepted',
    async () => {
      const { status, body, headers } = await place(key)
      if (status === 201) return (body as OrderView).id
      assert.ok(status >= 500 || status === 429, `refused for good: ${status} ${JSON.stringify(body)}`)
      await delay(Number(headers['retry-after'] ?? 1) * 1_000)
      return undefined
    },
    { timeoutMs: 90_000 },
  )
}

async function untilCompleted(on: System, orderIds: readonly string[]): Promise<void> {
  const database = new pg.Client(on.databaseUrl('orders'))
  await database.connect()
  try {
    await until(
      'every accepted order to be completed',
      async () => {
        const { rows } = await database.query(
          `SELECT count(*)::int AS done, (SELECT count(*)::int FROM orders) AS stored FROM orders
            WHERE id = ANY($1) AND document->'order'->>'status' = 'completed'`,
          [orderIds],
        )
        assert.equal(rows[0].stored, orderIds.length, 'there is no order that nobody asked for')
        return rows[0].done === orderIds.length
      },
      { timeoutMs: 120_000, everyMs: 500 },
    )
  } finally {
    await database.end()
  }
}
