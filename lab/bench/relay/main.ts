/**
 * `npm run bench:relay`: the relay loop beside two stacks that people build it with, in turns on one machine. Prints
 * the table and writes every run to `lab/bench/results/relay.json`. `-- --rounds 3 --seconds 2`.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { RelayNow } from '@svyaz/contracts/http/relay.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { type System, startSystem } from '@svyaz/system/testing'
import { freePorts } from '@svyaz/system/testing/engine'
import { relayLoop } from '@svyaz/system/topology'
import pg from 'pg'
import { startKafka } from '../kafka.ts'
import type { PeerSettings, SessionOrder } from './peer.ts'
import { type Level, levels, ours, type Run, table } from './table.ts'

const { values } = programOf({
  command: 'npm run bench:relay --',
  about: 'The relay loop beside two stacks that people build it with, in turns.',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 5, about: 'each stack once in each' },
    seconds: { takes: 'n', range: { min: 1, max: 600 }, default: 3, about: 'of each load' },
  },
})
const { rounds, seconds } = values

const percentiles = `SELECT count(*)::int AS stored,
  percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM mc2_timestamp - mc1_timestamp)) AS one,
  percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM mc3_timestamp - mc2_timestamp)) AS two,
  percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM end_timestamp - mc3_timestamp)) AS three,
  percentile_disc(array[0.5, 0.99]) WITHIN GROUP (ORDER BY extract(epoch FROM end_timestamp - mc1_timestamp)) AS total,
  extract(epoch FROM max(end_timestamp) - min(mc1_timestamp)) AS seconds
  FROM messages WHERE session_id = $1`

async function measured(client: pg.Pool, session: number, about: Pick<Run, 'stack' | 'level' | 'round'>): Promise<Run> {
  const { rows } = await client.query(percentiles, [session])
  const [row] = rows
  const inMs = (pair: string[]) => pair.map((value) => Number(value) * 1_000)
  return {
    ...about,
    stored: row.stored,
    seconds: Number(row.seconds),
    hopsMs: { mc1ToMc2: inMs(row.one), mc2ToMc3: inMs(row.two), mc3ToMc1: inMs(row.three), total: inMs(row.total) },
    load: loadavg()[0] ?? 0,
  }
}

const folder = mkdtempSync(join(tmpdir(), 'svyaz-bench-relay-'))
const configFile = join(folder, 'relay.yaml')
const writeConfig = (level: Level) =>
  writeFileSync(
    configFile,
    `intervalSeconds: 3600\ninFlight: ${level.inFlight}\nmessagesPerSecond: ${level.messagesPerSecond}\n`,
  )

/** Runs a session so long; `/stop/` answers when every message is back, or how far it is after 10 s. */
async function oneSession(url: string, lastSeconds: number): Promise<number> {
  const { sessionId } = (await (await fetch(`${url}/start/`)).json()) as { sessionId: number }
  await delay(lastSeconds * 1_000)
  await fetch(`${url}/stop/`)
  for (;;) {
    const { status } = (await (await fetch(`${url}/sessions/${sessionId}`)).json()) as { status: string }
    if (status === 'finished') return sessionId
    await delay(250)
  }
}

async function runOurs(system: System, pool: pg.Pool, level: Level, stack: string, round: number): Promise<Run> {
  writeConfig(level)
  system.startNextWith('mc1-1', { SVYAZ_TRACE_SAMPLE_RATIO: stack === ours.traced ? '1' : '0' })
  await system.restart('mc1')
  const url = system.url('mc1')
  await oneSession(url, level.warmUpSeconds)
  const sessionId = await oneSession(url, seconds)
  const { hops } = (await (await fetch(`${url}/now`)).json()) as RelayNow
  const commitMs = hops ? [hops.commit.p50 / 1_000, hops.commit.p99 / 1_000] : undefined
  return {
    ...(await measured(pool, sessionId, { stack, level: level.name, round })),
    ...(commitMs ? { commitMs } : {}),
  }
}

/** In the order of their start: each needs the one before. */
const peers = {
  express: ['express/mc2.ts', 'express/mc3.ts', 'express/mc1.ts'],
  fastify: ['fastify/mc2.ts', 'fastify/mc3.ts', 'fastify/mc1.ts'],
} as const

const peerTable = `DROP TABLE IF EXISTS messages; CREATE TABLE messages (session_id integer NOT NULL, id bigint NOT NULL,
  mc1_timestamp timestamptz NOT NULL, mc2_timestamp timestamptz NOT NULL, mc3_timestamp timestamptz NOT NULL,
  end_timestamp timestamptz NOT NULL, PRIMARY KEY (session_id, id))`

async function runPeer(stack: keyof typeof peers, broker: Kafka, url: string, level: Level, round: number) {
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  await pool.query(peerTable)
  const [mc1Port, mc2Port] = (await freePorts(2)) as [number, number]
  const topic = `${stack}-${level.name.replaceAll(/\W/g, '')}-${round}`
  await broker.createTopic(topic)
  const settings: PeerSettings = { mc1Port, mc2Port, kafka: broker.address, topic, databaseUrl: url, ...level }
  const children = []
  try {
    for (const file of peers[stack]) {
      const child = fork(join(import.meta.dirname, file), [JSON.stringify(settings)])
      children.push(child)
      await once(child, 'message')
    }
    const mc1 = children.at(-1)
    // The first session is for compilers and caches, as it is with ours.
    const orders: SessionOrder[] = [
      { session: 1, seconds: level.warmUpSeconds },
      { session: 2, seconds },
    ]
    for (const order of orders) {
      mc1?.send(order)
      await once(mc1!, 'message')
    }
    return await measured(pool, 2, { stack, level: level.name, round })
  } finally {
    for (const child of children) child.kill()
    await pool.end()
  }
}

type Kafka = Awaited<ReturnType<typeof startKafka>>

writeConfig(levels[0])
await using broker = await startKafka()
await using system = await startSystem({ only: relayLoop, exactly: true, env: { SVYAZ_RELAY_CONFIG: configFile } })
// The peers' messages go to the same PostgreSQL, with the same durable settings, in the same database's own schema.
const url = system.databaseUrl('mc1')
const pool = new pg.Pool({ connectionString: url, max: 1 })
await pool.query('CREATE SCHEMA IF NOT EXISTS peers')
const peersUrl = `${url}?options=-c%20search_path%3Dpeers`
const runs: Run[] = []
for (let round = 1; round <= rounds; round += 1)
  for (const level of levels) {
    for (const stack of [ours.plain, ours.traced]) runs.push(await runOurs(system, pool, level, stack, round))
    for (const stack of ['express', 'fastify'] as const) runs.push(await runPeer(stack, broker, peersUrl, level, round))
    for (const run of runs.slice(-4))
      process.stderr.write(`${round} ${run.level} ${run.stack}: ${(run.stored / run.seconds).toFixed(0)}/s\n`)
  }
await pool.end()
const machine = `${availableParallelism()} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`
const command = `npm run bench:relay -- --rounds ${rounds} --seconds ${seconds}`
const results = join(import.meta.dirname, '..', 'results')
mkdirSync(results, { recursive: true })
writeFileSync(
  join(results, 'relay.json'),
  `${JSON.stringify({ command, at: new Date().toISOString(), machine, seconds, rounds, runs }, null, 1)}\n`,
)
process.stdout.write(`${table(runs)}\n\n${machine}\n`)
