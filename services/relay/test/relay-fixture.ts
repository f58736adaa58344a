/** The loop as it runs: its processes in a folder of their own, a session by its HTTP interface, the table by SQL. */
import assert from 'node:assert/strict'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import pg from 'pg'
import { until as look } from '../../../lab/observe/until.ts'
import { type System, startSystem } from '../../../system/src/testing.ts'
import { relayLoop } from '../../../system/topology.ts'

export interface RelayWorld extends AsyncDisposable {
  readonly system: System
  readonly config: string
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; body: unknown }>
  session(id: number): Promise<RelaySession>
  start(): Promise<RelaySession>
  /** Ends the session and waits until it is closed. */
  finish(): Promise<RelaySession>
  sql<Row extends object>(text: string, values?: unknown[]): Promise<Row[]>
  /** The sum of a metric of MC1. */
  counted(name: string): Promise<number>
}

export const writeConfig = (path: string, values: Record<string, unknown>): void =>
  writeFileSync(
    path,
    Object.entries(values)
      .map(([name, value]) => `${name}: ${value}\n`)
      .join(''),
  )

/** Waits for a condition; says what it waited for when it never came. */
export const until = <T>(what: string, ask: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> =>
  look(what, ask, { timeoutMs, everyMs: 20 })

export const startRelay = async (
  values: Record<string, unknown>,
  env: Record<string, string> = {},
): Promise<RelayWorld> => {
  const config = join(mkdtempSync(join(tmpdir(), 'svyaz-relay-')), 'relay.yaml')
  writeConfig(config, values)
  const system = await startSystem({
    only: relayLoop,
    exactly: true,
    env: { SVYAZ_RELAY_CONFIG: config, ...env },
    readyTimeoutMs: 90_000,
  })
  const pool = new pg.Pool({ connectionString: system.databaseUrl('mc1'), max: 1 })
  pool.on('error', () => undefined)

  const get: RelayWorld['get'] = async (path, headers = {}) => {
    const answer = await fetch(new URL(path, system.url('mc1')), { headers })
    return { status: answer.status, body: await answer.json() }
  }
  const session = async (id: number) => {
    const { status, body } = await get(`/sessions/${id}`)
    assert.equal(status, 200, JSON.stringify(body))
    return body as RelaySession
  }
  return {
    system,
    config,
    get,
    session,
    async start() {
      const { status, body } = await get('/start/')
      assert.equal(status, 200, JSON.stringify(body))
      return body as RelaySession
    },
    async finish() {
      const { status, body } = await get('/stop/')
      assert.equal(status, 200, JSON.stringify(body))
      const { sessionId } = body as RelaySession
      return until(`the end of session ${sessionId}`, async () => {
        const found = await session(sessionId)
        return found.status === 'finished' ? found : undefined
      })
    },
    sql: async <Row extends object>(text: string, values: unknown[] = []) => (await pool.query<Row>(text, values)).rows,
    async counted(name) {
      const text = await (await fetch(new URL('/metrics', system.url('mc1', 'management')))).text()
      return [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))].reduce(
        (sum, match) => sum + Number(match[1]),
        0,
      )
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await system[Symbol.asyncDispose]()
    },
  }
}

/** Generated = stored, every id once and none left out, stamps in order: what a session must come to. */
export const assertNothingLost = async (world: RelayWorld, ended: RelaySession, firstId: number): Promise<void> => {
  const [row] = await world.sql<Record<string, string>>(
    `SELECT count(*) AS stored, count(DISTINCT id) AS ids, coalesce(min(id), 0) AS first, coalesce(max(id), 0) AS last,
       count(*) FILTER (WHERE NOT (mc1_timestamp <= mc2_timestamp AND mc2_timestamp <= mc3_timestamp
         AND mc3_timestamp <= end_timestamp)) AS disordered
     FROM messages WHERE session_id = $1`,
    [ended.sessionId],
  )
  assert.ok(ended.generated !== null && ended.generated > 0)
  const count = String(ended.generated)
  assert.deepEqual(row, {
    stored: count,
    ids: count,
    first: String(firstId),
    last: String(firstId + ended.generated - 1),
    disordered: '0',
  })
  assert.equal(ended.stored, ended.generated)
  assert.equal(ended.unconfirmed, 0)
}
