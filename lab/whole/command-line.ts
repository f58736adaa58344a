/** The command line on the running system, as an operator uses it: a poison message and its replay, topics, db, config. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import type { StockFact } from '@svyaz/observe/snapshot.ts'
import { until } from '@svyaz/observe/until.ts'
import { runSvyaz, svyazEnvironment, svyazMain } from '../../cli/test/svyaz-process.ts'
import type { World } from './world.ts'

const svyaz = (world: World, args: readonly string[]) => runSvyaz(world.system.home, args)

// biome-ignore lint/suspicious/noExplicitAny: each command has its own answer
async function answer(world: World, args: readonly string[], code = 0): Promise<any> {
  const ran = await svyaz(world, [...args, '--json'])
  assert.equal(ran.code, code, `svyaz ${args.join(' ')}: ${ran.err}${ran.out}`)
  return JSON.parse(ran.out)
}

interface Letter {
  readonly consumer: string
  readonly type: string
  readonly key: string
  readonly state: string
  readonly id: string
  readonly error: string
}

/** Delivery's database refuses one user's parcels, as a bug in a migration would; until the answer is called. */
async function breakDelivery(world: World, userId: string): Promise<() => Promise<void>> {
  await world.databases.rows(
    'delivery',
    `CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN IF NEW.user_id::text = '${userId}' THEN RAISE EXCEPTION 'no parcel for this one'; END IF; RETURN NEW; END $$`,
  )
  await world.databases.rows(
    'delivery',
    'CREATE TRIGGER poison BEFORE INSERT ON deliveries FOR EACH ROW EXECUTE FUNCTION poison()',
  )
  return async () => {
    await world.databases.rows('delivery', 'DROP TRIGGER poison ON deliveries')
    await world.databases.rows('delivery', 'DROP FUNCTION poison()')
  }
}

/** When each consumer handled these events, and in which state: what a replay to another one must not touch. */
const handledBy = (world: World, service: string, ids: readonly string[]) =>
  world.databases.rows<{ consumer: string; event_id: string; state: string; handled_at: Date }>(
    service,
    'SELECT consumer, event_id, state, handled_at FROM svyaz_inbox WHERE event_id = ANY($1) ORDER BY consumer, event_id',
    [ids],
  )

/** A dry run says what would be sent, and sends nothing. */
async function assertDryRunDoesNothing(w: World, ids: readonly string[]): Promise<void> {
  const records = async () => (await w.topics.read('orders.events')).length
  const recordsBefore = await records()
  const dry = await answer(w, ['dlq', 'replay', 'orders.events', '--all', '--consumer', 'delivery', '--dry-run'])
  assert.deepEqual(
    dry.letters.map(({ id, outcome }: { id: string; outcome: string }) => [id, outcome]),
    ids.map((id) => [id, 'would be sent']),
  )
  assert.equal(await records(), recordsBefore, 'a dry run sends nothing')
}

/** One parcel, two pieces sold, one charge. */
async function assertDoneOnce(w: World, orderId: string, before: StockFact): Promise<void> {
  assert.equal(
    (await w.databases.rows('delivery', 'SELECT 1 FROM deliveries WHERE order_id = $1', [orderId])).length,
    1,
  )
  const { productId, ...stock } = before
  assert.deepEqual(await w.stock(productId), {
    ...stock,
    available: before.available - 2,
    sold: before.sold + 2,
  })
  assert.equal((await w.ledger(orderId)).filter(({ type }) => type === 'charge').length, 1)
}

/** Both letters went to delivery again, and it could bear them. */
function assertHandled(letters: readonly { consumer: string; outcome: string }[]): void {
  const outcomes = letters.map(({ consumer, outcome }) => [consumer, outcome])
  assert.deepEqual(outcomes, Array(2).fill(['delivery', 'handled']))
}

/** Runs the commands of an operator on the running system. */
export const commandLineScenarios = (world: () => World): void => {
  describe('the command line', () => {
    it('a message that one consumer can’t bear: its dead letters are listed, mended, replayed to it alone, once', {
      timeout: 90_000,
    }, async () => {
      const w = world()
      const user = await w.register('Dora Deadletter')
      const mend = await breakDelivery(w, user.id)
      const product = w.product()
      const before = await w.stock(product)
      const order = await user.order({ items: [{ productId: product, quantity: 2 }] })
      await user.untilStatus(order.id, 'paid')
      const lettersOf = async (): Promise<Letter[]> =>
        (await answer(w, ['dlq', 'list', 'orders.events'])).letters.filter(({ key }: Letter) => key === order.id)
      const letters = await until(
        'delivery to give up on both events',
        async () => {
          const found = await lettersOf()
          return found.length === 2 && found
        },
        { timeoutMs: 40_000, everyMs: 500 },
      )
      assert.deepEqual(
        letters.map(({ consumer, type, state }) => `${consumer} ${type} ${state}`),
        ['delivery order.created outstanding', 'delivery order.paid outstanding'],
      )
      assert.match(letters[0]!.error, /no parcel for this one/)
      const ids = letters.map(({ id }) => id)
      const handled = () => Promise.all(['inventory', 'payments', 'notifications'].map((one) => handledBy(w, one, ids)))
      const untouched = await handled()
      assert.ok(untouched.flat().length >= 2, 'the others handled them long ago')

      await assertDryRunDoesNothing(w, ids)
      assert.deepEqual(await lettersOf(), letters, 'and marks nothing')

      const tooSoon = await answer(w, ['dlq', 'replay', 'orders.events', '--id', ids[0]!, '--wait', '30'], 1)
      assert.deepEqual([tooSoon.letters.length, tooSoon.letters[0].outcome], [1, 'failed again'])
      assert.deepEqual(
        (await lettersOf()).map(({ state }) => state).sort(),
        ['outstanding', 'outstanding'],
        'a replay that failed again is as open as before',
      )

      await mend()
      const replay = () => answer(w, ['dlq', 'replay', 'orders.events', '--id', ids.join(','), '--wait', '30'])
      assertHandled((await replay()).letters)
      await user.untilStatus(order.id, 'completed', 60_000)
      assert.deepEqual(await handled(), untouched, 'nobody else handled them again')
      assert.deepEqual(
        (await handledBy(w, 'delivery', ids)).map(({ state }) => state),
        ['done', 'done'],
      )
      assert.equal((await replay()).letters.length, 2, 'a second replay does no harm')
      await assertDoneOnce(w, order.id, { productId: product, ...before })
      assert.deepEqual(
        (await lettersOf()).map(({ state }) => state),
        ['settled', 'settled'],
      )
      assert.match((await svyaz(w, ['dlq', 'list', 'orders.events'])).out, /Nothing is outstanding/)
    })

    it('topics: records of one key, decoded; every reader of a topic with its members and no lag', async () => {
      const w = world()
      const user = await w.register('Tom Topic')
      const order = await user.order({ items: [{ productId: w.product(), quantity: 1 }] })
      await user.untilStatus(order.id, 'completed')
      const { out } = await svyaz(w, ['topics', 'orders.events', '--key', order.id, '--json'])
      const records = out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      assert.equal(records[0].type, 'order.created')
      assert.equal(records.at(-1).type, 'order.completed')
      assert.ok(records.every(({ key, value }) => key === order.id && value.orderId === order.id))
      assert.ok(records.every(({ traceId }) => /^[0-9a-f]{32}$/.test(traceId)))
      const summary = await until('nobody to lag behind', async () => {
        const { topics } = await answer(w, ['topics'])
        const found = topics.find(({ name }: { name: string }) => name === 'orders.events')
        return found.groups.every(({ lag }: { lag: number }) => lag === 0) && found
      })
      assert.ok(summary.records >= records.length && summary.bytes > 1_000)
      assert.deepEqual(
        summary.groups.map(({ group }: { group: string }) => group),
        ['delivery', 'inventory', 'notifications', 'payments'],
      )
      const unknown = await svyaz(w, ['topics', 'orders.evnts'])
      assert.equal(unknown.code, 2)
      assert.match(unknown.err, /did you mean orders\.events/)
    })

    it('topics --follow shows what comes, and ends with Ctrl-C', { timeout: 30_000 }, async () => {
      const w = world()
      const child = spawn(process.execPath, [svyazMain, 'topics', 'users.events', '--follow', '-n', '0'], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: svyazEnvironment(w.system.home),
      })
      let out = ''
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        out += text
      })
      await until('a new user to be seen', async () => {
        await w.register('Fay Follow')
        return /user\.registered/.test(out)
      })
      child.kill('SIGINT')
      const [code] = await once(child, 'close')
      assert.equal(code, 0)
    })

    it('db: the service’s own rights, answers as a table and as JSON, errors in PostgreSQL’s words', async () => {
      const w = world()
      const { rows } = await answer(w, [
        'db',
        'inventory',
        '-c',
        'select current_user as who, count(*)::int from stock',
      ])
      assert.equal(rows[0].who, 'inventory')
      assert.ok(rows[0].count > 0)
      const table = await svyaz(w, ['db', 'inventory', '-c', "select 'a' as letter, null as nothing"])
      assert.match(table.out, /^letter {2}nothing\na {7}∅\n\(1 row\)/)
      const wrong = await svyaz(w, ['db', 'inventory', '-c', 'select * from payments'])
      assert.equal(wrong.code, 1)
      assert.match(wrong.err, /relation "payments" does not exist[\s\S]*at: payments/)
      const { out } = await svyaz(w, ['db', 'payments', '--url'])
      assert.equal(out.trim(), w.system.databaseUrl('payments'))
      const { databases } = await answer(w, ['db'])
      assert.ok(databases.every(({ tables }: { tables: number }) => tables > 0))
    })

    it('config: what holds and where from; a wrong value in words; a change that every instance works with', async () => {
      const w = world()
      const { settings } = await answer(w, ['config', 'get', 'payments'])
      const found = settings.find(({ key }: { key: string }) => key === 'retryMaxMs')
      assert.deepEqual([found.value, found.source], [10_000, 'default'])
      const refused = await svyaz(w, ['config', 'set', 'payments', 'retryMaxMs', 'soon'])
      assert.equal(refused.code, 1)
      assert.match(refused.err, /retryMaxMs must be integer/)
      const changed = await answer(w, ['config', 'set', 'payments', 'retryMaxMs', '9000', '--comment', 'a test'])
      assert.deepEqual(
        changed.instances.map(({ instance, tookMs }: { instance: string; tookMs?: number }) => [
          instance,
          tookMs !== undefined,
        ]),
        [
          ['payments-1', true],
          ['payments-2', true],
        ],
      )
      assert.equal((await svyaz(w, ['config', 'get', 'payments', 'retryMaxMs'])).out, '9000\n')
      await answer(w, ['config', 'unset', 'payments', 'retryMaxMs'])
      const { changes } = await answer(w, ['config', 'history', 'payments'])
      assert.deepEqual(
        changes.slice(0, 2).map(({ name, value, comment }: Record<string, unknown>) => [name, value, comment]),
        [
          ['retryMaxMs', null, undefined],
          ['retryMaxMs', 9_000, 'a test'],
        ],
      )
      const typo = await svyaz(w, ['config', 'get', 'payments', 'retryMaxM'])
      assert.equal(typo.code, 2)
      assert.match(typo.err, /did you mean retryMaxMs/)
    })

    it('a wrong name is refused before anything is done, with the one that was meant', async () => {
      const w = world()
      const ran = await svyaz(w, ['kill', 'payments-1', 'ordres'])
      assert.equal(ran.code, 2)
      assert.match(ran.err, /did you mean orders/)
    })
  })
}
