/**
 * Real processes whose wall clocks jump an hour, both ways: what is refused meanwhile says why and when to try again,
 * and when the clock is right again so is the system at once, without a restart.
 */
import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import { type Answer, ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import pg from 'pg'
import { type System, startSystem } from '../../system/src/testing.ts'
import { type TopologyProcess, topology } from '../../system/topology.ts'

const hourMs = 3_600_000
const account = { email: 'clara.clock@example.org', password: 'a clock has two hands' }
const folder = mkdtempSync(join(tmpdir(), 'svyaz-clock-'))
const fileOf = (service: string) => join(folder, service)

/** Moves the wall clock of a service so far from the right time. */
const move = (service: string, ms: number): void => {
  writeFileSync(`${fileOf(service)}.new`, String(ms))
  renameSync(`${fileOf(service)}.new`, fileOf(service))
}

const movable = ['gateway', 'users']
const moved = new URL('../../system/test/fixtures/moved-clock.ts', import.meta.url).href

const withMovableClock = (process: TopologyProcess): TopologyProcess => {
  if (!movable.includes(process.name)) return process
  const variables = { NODE_OPTIONS: `--import ${moved}`, SVYAZ_TEST_CLOCK_FILE: fileOf(process.name) }
  return { ...process, variables: { ...process.variables, ...variables } }
}

let system: System
/** The database of orders, beside its service: the gateway counts what a user asks. */
let orders: pg.Client
before(async () => {
  for (const service of movable) move(service, 0)
  system = await startSystem({
    only: ['gateway', 'users', 'orders', 'inventory', 'payments', 'delivery'],
    topology: { ...topology, processes: topology.processes.map(withMovableClock) },
    readyTimeoutMs: 150_000,
  })
  orders = new pg.Client(system.databaseUrl('orders'))
  await orders.connect()
  const registered = await post('/users', { ...account, name: 'Clara' })
  assert.equal(registered.status, 201, JSON.stringify(registered.body))
})
after(async () => {
  await orders?.end()
  await system?.[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

const post = (path: string, body: object, token?: string) =>
  ask('POST', `${system.url('gateway')}${path}`, { body, token })
const login = () => post('/auth/login', account)
const order = (token: string) => post('/orders', { items: [{ productId: 'P-1001', quantity: 1 }] }, token)

/** As it has to be while clocks are apart: nobody's session is doubted. */
const refusedByClock = ({ status, headers, body }: Answer<{ detail: string }>): void => {
  assert.equal(status, 503, JSON.stringify(body))
  assert.ok(Number(headers['retry-after']) >= 1, JSON.stringify(headers))
  assert.match(body.detail, /access token of gateway is \d+ s .*: the clocks of their machines are apart/)
}
const accepted = (answer: Answer): string => {
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  return (answer.body as OrderView).id
}
const signIn = async (): Promise<string> => {
  const answer = await login()
  assert.equal(answer.status, 200, JSON.stringify(answer.body))
  return answer.body.accessToken
}
const pids = () => system.instances().map(({ name, pid }) => `${name} ${pid}`)

/** Enough to open a breaker, had it counted what isn't the callee's fault. */
const many = 12

for (const [service, jump] of [
  ['gateway', hourMs],
  ['gateway', -hourMs],
  ['users', hourMs],
  ['users', -hourMs],
] as const)
  test(`the clock of ${service} goes ${jump / 60_000} minutes and comes back`, { timeout: 60_000 }, async () => {
    const token = await signIn()
    const unseen = await signIn()
    const ids = [accepted(await order(token))]
    const processes = pids()

    move(service, jump)
    refusedByClock(await login())
    refusedByClock(await order(unseen))
    const known = await Promise.all(Array.from({ length: many }, () => order(token)))
    // What users said of this token is remembered: its own clock stops nobody who is in.
    for (const answer of known) {
      if (service === 'users') ids.push(accepted(answer))
      else refusedByClock(answer)
    }

    move(service, 0)
    ids.push(accepted(await order(token)), accepted(await order(unseen)))
    assert.ok(await signIn())
    // Over gRPC too: a channel and its deadlines outlive the jump of its process.
    const withOrders = await ask('GET', `${system.url('gateway')}/users/me?include=orders`, { token })
    assert.ok(withOrders.body.orders?.length > 0, JSON.stringify(withOrders.body))
    await until('every accepted order to be completed', async () => {
      const { rows } = await orders.query(
        `SELECT id FROM orders WHERE id = ANY($1) AND document->'order'->>'status' = 'completed'`,
        [ids],
      )
      return rows.length === ids.length
    })
    assert.deepEqual(pids(), processes, 'without a restart')
  })
