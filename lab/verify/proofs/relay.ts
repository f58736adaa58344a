/** R6: the relay loop. One session of its natural length is followed by all rows; a second one is ended early. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import { ask } from '@svyaz/observe/http.ts'
import type { Hop } from '@svyaz/observe/traces.ts'
import { until } from '@svyaz/observe/until.ts'
import { answerLine } from '../command-line.ts'
import type { Outside } from '../outside.ts'
import { faultsOf, proof } from '../proof.ts'

const recordsLooked = 4
const root = join(import.meta.dirname, '..', '..', '..')

interface Stamped {
  readonly id: number
  readonly stamps: readonly (string | null)[]
}

interface Row {
  readonly id: string
  readonly session_id: number
  readonly stamps: readonly string[]
}

interface Followed {
  readonly session: Pick<
    RelaySession,
    'sessionId' | 'status' | 'intervalSeconds' | 'durationSeconds' | 'generated' | 'stored'
  >
  /** As they are in the topic: fields, and the stamps so far. */
  readonly records: readonly (Stamped & { readonly fields: readonly string[] })[]
  readonly rows: readonly Row[]
  readonly counted: number
  readonly traces: readonly (readonly Hop[])[]
  readonly spoken: readonly string[]
}

const stampsOf = (data: Record<string, string | null>) =>
  ['MC1_timestamp', 'MC2_timestamp', 'MC3_timestamp', 'end_timestamp'].map((name) => data[name] ?? null)

const follow = (outside: Outside): Promise<Followed> =>
  outside.once('relay session', async (o) => {
    const base = await o.url('mc1')
    const started = await o.ask('GET', `${base}/start/`)
    if (started.status !== 200) throw new Error(`GET /start/ answered ${answerLine(started)}`)
    const id = Number(started.body.sessionId)
    const session: RelaySession = await until(
      'the session to end by itself',
      async () => {
        const { body } = await ask('GET', `${base}/sessions/${id}`)
        return body.status === 'finished' && body
      },
      { timeoutMs: (Number(started.body.intervalSeconds) + 15) * 1_000, everyMs: 500 },
    )
    await o.ask('GET', `${base}/sessions/${id}`)
    const found = o.records.records.filter(({ topic, data }) => topic === 'relay.messages' && data.session_id === id)
    const records = found.slice(-recordsLooked)
    o.noteRecords(records.slice(0, 1))
    const traces: Hop[][] = []
    for (const { headers } of records)
      traces.push(
        await o.trace(headers.traceparent?.split('-')[1] ?? '', (hops) =>
          ['mc1', 'mc2', 'mc3'].every((name) => hops.some(({ service }) => service === name)),
        ),
      )
    const rows = await o.sql<{ id: string; session_id: number; mc1: Date; mc2: Date; mc3: Date; end: Date }>(
      'relay',
      'SELECT id, session_id, mc1_timestamp AS mc1, mc2_timestamp AS mc2, mc3_timestamp AS mc3, end_timestamp AS end FROM messages WHERE session_id = $1 ORDER BY id DESC LIMIT 5',
      [id],
    )
    const [count] = await o.sql<{ n: number }>(
      'relay',
      'SELECT count(*)::int AS n FROM messages WHERE session_id = $1',
      [id],
    )
    const spoken = (await o.logs('mc1', 400)).filter((line) => line.includes(`Relay session ${id} `))
    for (const line of spoken) o.note('npx svyaz logs mc1', line)
    const { sessionId, status, intervalSeconds, durationSeconds, generated, stored } = session
    return {
      session: { sessionId, status, intervalSeconds, durationSeconds, generated, stored },
      records: records.map(({ data }) => ({ id: data.id, fields: Object.keys(data).sort(), stamps: stampsOf(data) })),
      rows: rows.map(({ id: own, session_id, mc1, mc2, mc3, end }) => ({
        id: String(own),
        session_id,
        stamps: [mc1, mc2, mc3, end].map((at) => at.toISOString()),
      })),
      counted: count?.n ?? 0,
      traces: traces.map((hops) => hops.filter(({ over }) => over !== 'sql')),
      spoken,
    }
  })

const fields = ['MC1_timestamp', 'MC2_timestamp', 'MC3_timestamp', 'end_timestamp', 'id', 'session_id'].sort()
const ascending = (stamps: readonly string[]) => stamps.every((at, n) => n === 0 || at >= stamps[n - 1]!)

export const made = proof({
  gather: async (outside) => {
    const { records, traces } = await follow(outside)
    return { records, traces }
  },
  judge: ({ records, traces }) => [
    ...faultsOf([records.length > 0, 'no message was seen']),
    ...records.flatMap(({ id, fields: own, stamps }) =>
      faultsOf(
        [own.join() === fields.join(), `message ${id} has the fields ${own.join()}`],
        [Number.isInteger(id), `its id is ${id}`],
        [stamps[0] !== null, `message ${id} was not stamped by MC1`],
      ),
    ),
    ...faultsOf([
      traces.every((hops) =>
        hops.some(({ service, from, name }) => service === 'mc2' && from === 'mc1' && /MC1/.test(name)),
      ),
      'no span of MC2 receiving from MC1',
    ]),
  ],
})

export const throughTopic = proof({
  gather: async (outside) => {
    const { records, traces } = await follow(outside)
    return { records, traces }
  },
  judge: ({ records, traces }) => [
    ...faultsOf([records.length > 0, 'nothing is in relay.messages']),
    ...records.flatMap(({ id, stamps }) =>
      faultsOf(
        [stamps[1] !== null, `message ${id} was not stamped by MC2`],
        [stamps[2] === null, `message ${id} has a stamp of MC3 in the topic already`],
      ),
    ),
    ...faultsOf([
      traces.every((hops) => hops.some(({ service }) => service === 'mc3')),
      'no span of MC3 taking the record',
    ]),
  ],
})

export const stored = proof({
  gather: async (outside) => {
    const { rows, counted, session, traces } = await follow(outside)
    return { rows, counted, session, traces }
  },
  judge: ({ rows, counted, session, traces }) => [
    ...faultsOf(
      [rows.length > 0, 'no row in PostgreSQL'],
      [counted === session.generated, `${counted} rows of ${session.generated} messages`],
      [
        traces.every((hops) => hops.some(({ service, from }) => service === 'mc1' && from === 'mc3')),
        'no span of MC1 receiving from MC3',
      ],
    ),
    ...rows
      .filter(({ stamps }) => stamps.length !== 4 || !ascending(stamps))
      .map(({ id, stamps }) => `the stamps of message ${id} are ${stamps.join()}`),
  ],
})

/** The interval as it is configured, not as MC1 says: the config service's value where it has one, else that of the file. */
async function configuredSeconds(outside: Outside): Promise<number> {
  const { token } = await outside.admin()
  const { body } = await outside.gateway('GET', '/admin/mc1/embedded', { token })
  const sources = (body.propertySources ?? []) as { source?: Record<string, unknown> }[]
  const set = sources.map(({ source }) => source?.intervalSeconds).find((value) => typeof value === 'number')
  const written = /^intervalSeconds: (\S+)/m.exec(readFileSync(join(root, 'config', 'relay.yaml'), 'utf8'))?.[1]
  outside.note('grep intervalSeconds config/relay.yaml', `${written}; the config service says ${set ?? 'nothing else'}`)
  return Number(set ?? written)
}

export const repeated = proof({
  gather: async (outside) => {
    const { session, rows } = await follow(outside)
    return { session, rows, configuredSeconds: await configuredSeconds(outside) }
  },
  judge: ({ session, rows, configuredSeconds: seconds }) =>
    faultsOf(
      [
        session.intervalSeconds === seconds,
        `the session was to last ${session.intervalSeconds} s, the configuration says ${seconds} s`,
      ],
      [session.status === 'finished', `the session is ${session.status}`],
      [
        Math.abs(session.durationSeconds - session.intervalSeconds) < 1.5,
        `it lasted ${session.durationSeconds} s instead of ${session.intervalSeconds}`,
      ],
      [(session.generated ?? 0) > 1, `${session.generated} cycles`],
      [session.stored === session.generated, `${session.stored} of ${session.generated} were stored`],
      [rows.every((row) => row.session_id === session.sessionId), 'rows carry another session_id'],
    ),
})

export const startedAndStopped = proof({
  // Two sessions can't run at once: after the one that is followed.
  disturbs: true,
  gather: async (outside) => {
    await follow(outside)
    const base = await outside.url('mc1')
    const start = await outside.ask('GET', `${base}/start/`)
    const twice = await outside.ask('GET', `${base}/start/`)
    const stop = await outside.ask('GET', `${base}/stop/`)
    const again = await outside.ask('GET', `${base}/stop/`)
    return {
      start: start.status,
      twice: twice.status,
      stop: {
        status: stop.status,
        seconds: Number(stop.body.durationSeconds),
        interval: Number(stop.body.intervalSeconds),
      },
      again: again.status,
    }
  },
  judge: ({ start, twice, stop, again }) =>
    faultsOf(
      [start === 200, `GET /start/ answered ${start}`],
      [twice === 409, `a second GET /start/ answered ${twice}`],
      [
        stop.status === 200 && stop.seconds < stop.interval,
        `GET /stop/ answered ${stop.status} after ${stop.seconds} s`,
      ],
      [again === 409, `GET /stop/ without a session answered ${again}`],
    ),
})

export const spans = proof({
  gather: async (outside) => {
    const { traces } = await follow(outside)
    return { traces: traces.map((hops) => hops.map(({ service, kind }) => `${service} ${kind}`)) }
  },
  judge: ({ traces }) => [
    ...faultsOf([traces.length > 0, 'no trace was found']),
    ...traces.flatMap((hops) =>
      ['mc1', 'mc2', 'mc3']
        .filter((name) => !hops.some((hop) => hop === `${name} server` || hop === `${name} consumer`))
        .map((name) => `${name} sent no span for an incoming message`),
    ),
  ],
})

export const announced = proof({
  gather: async (outside) => {
    const { spoken, session } = await follow(outside)
    return { spoken, session }
  },
  judge: ({ spoken, session }) =>
    faultsOf(
      [spoken.some((line) => line.includes(`session ${session.sessionId} started`)), 'the start was not announced'],
      [
        spoken.some((line) => line.includes(`${session.generated} messages generated`) && /\d\.\d+ s/.test(line)),
        'duration and number of messages were not told at the end',
      ],
    ),
})

interface Kept {
  readonly sessionId: number
  readonly stored: number
  /** Rows that are found when everything is stopped. */
  readonly found: number | undefined
}

export const kept = proof<Kept>({
  gather: async (outside) => {
    const { session, counted } = await follow(outside)
    return { sessionId: session.sessionId, stored: counted, found: undefined }
  },
  afterwards: async (outside, evidence) => {
    const [row] = await outside.sqlStopped<{ n: number }>(
      'relay',
      `SELECT count(*)::int AS n FROM messages WHERE session_id = ${Number(evidence.sessionId)}`,
    )
    return { ...evidence, found: row?.n }
  },
  judge: ({ sessionId, stored, found }) =>
    faultsOf(
      [stored > 0, 'nothing was stored'],
      [
        found === stored,
        `of ${stored} messages of session ${sessionId}, ${found ?? 'none'} are found when all is stopped`,
      ],
    ),
})
