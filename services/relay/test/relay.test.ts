/** The loop as processes: what it promises to whoever starts it, and what it promises when parts of it are killed. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { returnMessages } from '@svyaz/contracts/http/relay.ts'
import { assertNothingLost, type RelayWorld, startRelay, until, writeConfig } from './relay-fixture.ts'

const inFlight = 256
let world: RelayWorld
let nextId = 1

before(async () => {
  world = await startRelay({ intervalSeconds: 600, inFlight })
})
after(() => world?.[Symbol.asyncDispose]())

const stored = async (sessionId: number, more: number): Promise<number> => {
  const { stored: now } = await world.session(sessionId)
  await until(`${more} more stored messages`, async () =>
    (await world.session(sessionId)).stored >= now + more ? true : undefined,
  )
  return (await world.session(sessionId)).stored
}

describe('a session', { concurrency: 1 }, () => {
  test('starts once, is told of while it runs, and ends with what it did', async () => {
    assert.equal((await world.get('/stop/')).status, 409)
    const begun = await world.start()
    assert.deepEqual([begun.sessionId, begun.status, begun.inFlight], [1, 'running', inFlight])
    assert.equal((await world.get('/start/')).status, 409)
    await stored(1, 1_000)
    const running = await world.session(1)
    assert.ok(running.hops && running.hops.total.p50 > 0)
    const ended = await world.finish()
    await assertNothingLost(world, ended, nextId)
    nextId += ended.generated ?? 0
    assert.ok(ended.hops && ended.hops.total.p50 > 0 && ended.durationSeconds > 0)
    assert.equal((await world.get('/stop/')).status, 409)
    const listed = (await world.get('/sessions')).body as { sessionId: number }[]
    assert.deepEqual(
      listed.map(({ sessionId }) => sessionId),
      [1],
    )
  })

  test('says so on the console, at the start and at the end', async () => {
    const said = world.system.logs('mc1-1', 1_000).filter((line) => !line.startsWith('{'))
    assert.match(said.join('\n'), /Relay session 1 started: 600 s, 256 in flight\./)
    assert.match(
      said.join('\n'),
      /Relay session 1 finished: [\d.]+ s, \d+ messages generated, \d+ stored, \d+ messages\/s/,
    )
    for (const hop of ['WebSocket', 'Kafka', 'HTTP']) assert.match(said.join('\n'), new RegExp(`${hop} .*median`))
  })

  test('one cycle after another at inFlight 1, ended by its interval, with padding on every hop', async () => {
    writeConfig(world.config, { intervalSeconds: 1, inFlight: 1, payloadBytes: 2_000 })
    await world.system.restart('mc1')
    await world.start()
    const ended = await until('the end by the interval', async () => {
      const session = await world.session(2)
      assert.ok(session.unconfirmed === null || session.unconfirmed <= 1)
      return session.status === 'finished' ? session : undefined
    })
    await assertNothingLost(world, ended, nextId)
    nextId += ended.generated ?? 0
    // The next message is never made before the one before it is stored.
    const [row] = await world.sql<{ overlapping: string }>(
      `SELECT count(*) AS overlapping FROM (SELECT mc1_timestamp, lag(end_timestamp) OVER (ORDER BY id) AS before
       FROM messages WHERE session_id = 2) cycles WHERE mc1_timestamp < before`,
    )
    assert.equal(row?.overlapping, '0')
    writeConfig(world.config, { intervalSeconds: 600, inFlight })
    await world.system.restart('mc1')
  })

  test('is not started or stopped by HEAD, which is 405', async () => {
    const now = async () => (await world.get('/now')).body as { latestSession: number; session: unknown }
    const { latestSession } = await now()
    for (const path of ['/start/', '/stop/']) {
      const head = await fetch(new URL(path, world.system.url('mc1')), { method: 'HEAD' })
      assert.deepEqual([head.status, head.headers.get('allow')], [405, 'GET, OPTIONS'], path)
    }
    const after = await now()
    assert.deepEqual([after.latestSession, after.session], [latestSession, null])
    const seen = await fetch(new URL('/now', world.system.url('mc1')), { method: 'HEAD' })
    assert.equal(seen.status, 200)
  })

  test('is not started by a page of another site, and messages are taken from MC3 alone', async () => {
    assert.equal((await world.get('/start/', { 'sec-fetch-site': 'cross-site' })).status, 403)
    const posted = await fetch(new URL(returnMessages.path, world.system.url('mc1')), { method: 'POST', body: '{}' })
    assert.equal(posted.status, 401)
  })
})

describe('with 100 messages and more unconfirmed, nothing is lost and nothing is there twice', {
  concurrency: 1,
}, () => {
  const through = async (kill: (sessionId: number) => Promise<void>) => {
    const { sessionId } = await world.start()
    await stored(sessionId, 500)
    const { unconfirmed } = await world.session(sessionId)
    assert.ok(unconfirmed !== null && unconfirmed >= 100, `${unconfirmed} unconfirmed`)
    await kill(sessionId)
    await world.system.waitReady()
    await stored(sessionId, 500)
    const ended = await world.finish()
    await assertNothingLost(world, ended, nextId)
    nextId += ended.generated ?? 0
  }

  for (const victim of ['mc2-1', 'mc3-1', 'broker-1', 'postgres-1'])
    test(`${victim} is killed and comes back`, async () => {
      await through(() => world.system.kill(victim))
    })

  test('what MC2 had and never produced was sent again', async () => {
    const before = await world.counted('svyaz_relay_resent_total')
    await through(async () => {
      // Frames wait in its socket, and go with it.
      await world.system.pause('mc2-1')
      await world.system.kill('mc2-1')
    })
    assert.ok((await world.counted('svyaz_relay_resent_total')) > before)
  })

  test('sessions are numbered without a gap, although PostgreSQL was killed between them', async () => {
    const listed = (await world.get('/sessions')).body as { sessionId: number }[]
    assert.deepEqual(
      listed.map(({ sessionId }) => sessionId),
      listed.map((_, index) => listed.length - index),
    )
  })
})

describe('MC1 killed', { concurrency: 1 }, () => {
  const interrupted = async (sessionId: number) => {
    const session = await until('MC1 to be back', async () => {
      const found = await world.session(sessionId)
      return found.status === 'interrupted' ? found : undefined
    })
    assert.equal(session.generated, null)
    return session
  }

  test('its session is interrupted, and what comes late is stored', async () => {
    const { sessionId } = await world.start()
    await stored(sessionId, 500)
    await world.system.pause('mc3-1')
    // With MC3 silent MC1 soon has as many under way as it may, none of them still to set out, and all end up in Kafka.
    await until('as many to be under way as may be', async () =>
      (await world.session(sessionId)).unconfirmed === inFlight ? true : undefined,
    )
    await until('all of them to be produced', async () => {
      const produced = await fetch(new URL('/metrics', world.system.url('mc2', 'management')))
      return /^svyaz_relay_waiting(?:\{[^}]*\})? 0$/m.test(await produced.text()) ? true : undefined
    })
    await world.system.kill('mc1-1')
    const early = await interrupted(sessionId)
    await world.system.resume('mc3-1')
    const late = await until('the late ones', async () => {
      const session = await world.session(sessionId)
      return session.missing?.count === 0 ? session : undefined
    })
    assert.ok(late.stored > early.stored, `${early.stored} then ${late.stored}`)
    assert.equal(late.stored, early.stored + (early.missing?.count ?? 0))
    nextId += late.stored
  })

  test('ids that never got to MC2 are reported, and never given again', async () => {
    const { sessionId } = await world.start()
    await stored(sessionId, 500)
    await world.system.pause('mc2-1')
    await until('all to wait for MC2', async () => {
      const { unconfirmed } = await world.session(sessionId)
      const [row] = await world.sql<{ count: string }>('SELECT count(*) FROM messages WHERE session_id = $1', [
        sessionId,
      ])
      const again = await world.session(sessionId)
      return unconfirmed === inFlight && again.stored === Number(row?.count) ? true : undefined
    })
    await world.system.kill('mc2-1')
    await world.system.kill('mc1-1')
    const { missing, stored: count } = await interrupted(sessionId)
    assert.equal(missing?.count, inFlight)
    assert.deepEqual(missing.ids, [[nextId + count, nextId + count + inFlight - 1]])
    nextId += count + inFlight
    await world.start()
    const next = await until('messages of the next session', async () => {
      const [row] = await world.sql<{ first: string | null }>(
        'SELECT min(id) AS first FROM messages WHERE session_id = $1',
        [sessionId + 1],
      )
      return row?.first ?? undefined
    })
    assert.equal(Number(next), nextId)
    await assertNothingLost(world, await world.finish(), nextId)
  })
})
