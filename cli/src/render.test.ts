/** What people see: tables that fit, lines of records, lists of letters, help. Pure functions on a simulated terminal. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import type { ListedLetter, ReadRecord, TopicSummary } from '@svyaz/kit/operator'
import { refusal } from './admin-session.ts'
import { judgeBudget } from './budget.ts'
import { commands } from './commands.ts'
import { letterJson, renderLetters } from './dlq.ts'
import { scorecardLines } from './faults.ts'
import { groups } from './help.ts'
import { type Measured, render as renderInstances } from './ps.ts'
import { recordJson, recordLine } from './record-line.ts'
import { effective, readValue } from './settings.ts'
import { openTerminal, sizeText, type Terminal } from './terminal.ts'
import { newest, renderTopics } from './topics.ts'

const terminal = (columns: number, live = true): Terminal => ({
  live,
  columns,
  print() {},
  complain() {},
  json() {},
  paint: (_style, text) => text,
  redraw() {},
})

const record = (partition: number, offset: bigint, timestampMs: number, value = '{"n":1}'): ReadRecord => ({
  offset,
  leaderEpoch: 0,
  timestampMs,
  record: {
    topic: 'orders.events',
    key: 'order-1',
    value: Buffer.from(value),
    headers: {
      ce_specversion: '1.0',
      ce_id: 'e1',
      ce_type: 'order.created',
      ce_source: '/orders',
      traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    },
    place: { partition, offset },
  },
})

test('a reader or a terminal that is gone ends no command; a disk that is full does', () => {
  const [out, error] = [new PassThrough(), new PassThrough()]
  openTerminal(out as unknown as NodeJS.WriteStream, error as unknown as NodeJS.WriteStream, { noColor: true })
  const fault = (code: string) => Object.assign(new Error(`write ${code}`), { code })
  for (const stream of [out, error]) {
    for (const code of ['EPIPE', 'EIO']) assert.doesNotThrow(() => stream.emit('error', fault(code)))
    assert.throws(() => stream.emit('error', fault('ENOSPC')), /ENOSPC/)
  }
})

test('ps fits a narrow terminal, and shows everything where there is no terminal', () => {
  const instance = {
    name: 'notifications-1',
    status: 'ready',
    pid: 12_345,
    ports: { http: 20_001, grpc: 20_002, management: 20_003 },
    restarts: 1,
    startedAt: new Date(0).toISOString(),
    pssBytes: 64 * 1024 ** 2,
  } as unknown as Measured
  const at = (columns: number, live = true) => renderInstances([instance], terminal(columns, live), 90_000)
  assert.match(at(200)[1]!, /http 20001, grpc 20002, management 20003 {2}1 min 30 s {2}1 +64 MB/)
  for (const columns of [100, 80, 60, 40]) {
    const lines = at(columns)
    assert.ok(
      lines.every((line) => line.length <= columns),
      `${columns}: ${lines[1]}`,
    )
    assert.match(lines[1]!, /^notifications-1 .*64 MB$/)
  }
  assert.match(at(20, false)[1]!, /management 20003/)
})

describe('topics', () => {
  test('a line for each topic and each further group; lag and absent readers are told', () => {
    const summary: TopicSummary = {
      name: 'orders.events',
      partitions: [{ partition: 0, beginning: 5n, end: 25n }],
      bytes: 12_345,
      kept: true,
      groups: [
        { group: 'delivery', state: 'Stable', members: ['delivery-1'], memberCount: 1, committed: new Map(), lag: 0n },
        { group: 'payments', state: 'Empty', members: [], memberCount: 0, committed: new Map(), lag: 7n },
      ],
    }
    const [, first, second] = renderTopics([summary, { ...summary, bytes: undefined, groups: [] }], terminal(200))
    assert.match(first!, /^orders\.events +1 +20 +12 kB +delivery +0 +delivery-1$/)
    assert.match(second!, /^ +payments +7 +none \(empty\)$/)
  })

  test('where what was handled is gone there is no number of records, and members are counted', () => {
    const summary: TopicSummary = {
      name: 'payments.tasks',
      partitions: [{ partition: 0, beginning: 0n, end: 0n }],
      kept: false,
      bytes: undefined,
      groups: [
        { group: 'payment-workers', state: 'nobody', members: [], memberCount: 2, committed: new Map(), lag: 3n },
      ],
    }
    assert.match(renderTopics([summary], terminal(200))[1]!, /^payments\.tasks +1 +– +\? +payment-workers +3 +2$/)
  })

  test('the newest records over all partitions, the oldest of them first', () => {
    const all = [record(0, 0n, 30), record(1, 9n, 10), record(2, 3n, 20), record(1, 10n, 20)]
    assert.deepEqual(
      newest(all, 3).map(({ timestampMs, record }) => [timestampMs, record.place?.partition]),
      [
        [20, 1],
        [20, 2],
        [30, 0],
      ],
    )
    assert.deepEqual(newest(all, 0), [])
  })

  test('a record as a line: place, time, type, key, trace, value; control characters of strangers stay out', () => {
    const line = recordLine(record(3, 17n, 0, '{"evil":"\\u001b[31m"}'), terminal(200, false))
    assert.match(line, /^3\/17 +00:00:00\.000 {2}order\.created +order-1 {2}trace=a{32} {2}id=e1 /)
    for (const columns of [80, 60, 40]) {
      assert.match(
        recordLine(record(3, 17n, 0, '{"orderId":"o-1"}'), terminal(columns)),
        /order-1 {2}\{"orderId":"o-1"\}/,
      )
    }
    assert.ok(!recordLine(record(0, 0n, 0, '\u001b[31mred'), terminal(200, false)).includes('\u001b'))
    assert.ok(recordLine(record(0, 0n, 0, JSON.stringify('x'.repeat(5_000))), terminal(100)).length < 300)
    assert.deepEqual(recordJson(record(3, 17n, 0)).value, { n: 1 })
    assert.equal(recordJson(record(3, 17n, 0, 'plain')).value, 'plain')
  })
})

test('dead letters: what is outstanding is counted, the consumer is named', () => {
  const letter: ListedLetter = {
    place: { partition: 2, offset: 4n },
    id: 'e1',
    type: 'order.paid',
    topic: 'orders.events',
    key: 'order-1',
    consumer: 'delivery',
    error: 'Error: no\n  at x',
    attempts: 5,
    failedAt: '2026-11-21T10:00:00.000Z',
    time: undefined,
    origin: '2/9',
    traceparent: undefined,
    replay: undefined,
    value: '{}',
    record: record(2, 4n, 0).record,
    state: 'outstanding',
  }
  const lines = renderLetters([letter, { ...letter, id: 'e2', state: 'settled' }], terminal(200))
  assert.match(
    lines[1]!,
    /^orders\.events\/2\/4 +outstanding +delivery +order\.paid +2026-11-21 10:00:00 +Error: no at x$/,
  )
  assert.match(lines.at(-1)!, /^1 outstanding/)
  assert.equal(letterJson(letter).letter, 'orders.events/2/4')
  assert.deepEqual(renderLetters([], terminal(80)), ['No dead letters.'])
})

describe('config', () => {
  test('the first source that names a setting wins', () => {
    const found = effective({
      name: 'orders',
      profiles: ['embedded'],
      version: '1',
      propertySources: [
        { name: 'orders/embedded', source: { b: 2 } },
        { name: 'orders/default', source: { b: 3, a: 'x' } },
        { name: 'orders/schema defaults', source: { a: 'd', b: 0, c: null } },
      ],
    })
    assert.deepEqual(
      found.map(({ key, value, source }) => [key, value, source]),
      [
        ['a', 'x', 'orders/default'],
        ['b', 2, 'orders/embedded'],
        ['c', null, 'default'],
      ],
    )
  })

  test('what was typed is JSON where it reads as JSON, and text where the setting holds text', () => {
    assert.equal(readValue('5000', 0), 5_000)
    assert.equal(readValue('5000', '1'), '5000')
    assert.deepEqual(readValue('["a"]', []), ['a'])
    assert.equal(readValue('much', 0), 'much')
    assert.equal(readValue('true', undefined), true)
  })

  test('a refusal in words: each fault with its setting; a server’s fault with its trace', () => {
    const faults = [{ in: 'body' as const, pointer: '/properties/changeWindowMs', detail: 'must be integer' }]
    assert.match(refusal(400, { errors: faults }), /refused \(400\):\n {2}changeWindowMs: must be integer/)
    assert.match(refusal(503, { detail: 'away', traceId: 'abc' }), /away\n {2}trace abc/)
    assert.match(refusal(401, {}), /not signed in/)
  })
})

test('budget: over it is a fault of an idle system alone; what the kernel hides is one of both', () => {
  const row = (pssMb: number | undefined) => ({ pssMb, budgetMb: 60 })
  assert.deepEqual(judgeBudget([row(60)], true), { passed: true, notes: [] })
  assert.deepEqual(judgeBudget([row(61)], true), { passed: false, notes: [] })
  const used = judgeBudget([row(61)], false)
  assert.equal(used.passed, true)
  assert.match(used.notes.join(), /figures of a system in use.*--idle/)
  for (const idle of [true, false]) assert.equal(judgeBudget([row(undefined)], idle).passed, false)
})

test('an experiment that broke something says what, one that broke nothing says so', () => {
  const judgement = {
    id: 'O1',
    promise: 'what was accepted is there',
    concern: 'lost' as const,
    breaches: 0,
    found: [],
  }
  const card = {
    counts: { accepted: 40, refused: 2, unanswered: 1 },
    statuses: { completed: 38, cancelled: 2 },
    fired: 5,
    planned: 5,
    recoveryMsMax: 2_345,
    restMs: 1_000,
    judgements: [judgement],
    lost: 0,
    doubled: 0,
    wrong: 0,
  }
  assert.deepEqual(scorecardLines(card, terminal(80)), [
    '',
    '40 orders accepted (38 completed, 2 cancelled), 2 refused, 1 unanswered',
    '0 lost, 0 doubled, 0 wrong, by 1 invariants',
    '5 of 5 faults happened; the slowest was over after 2.3 s; all at rest after 1.0 s',
  ])
  const { restMs: _, ...unrested } = card
  const broken = { ...unrested, lost: 1, judgements: [{ ...judgement, breaches: 1, found: ['order 7 is gone'] }] }
  const lines = scorecardLines(broken, terminal(80)).join('\n')
  for (const part of [
    '1 lost',
    'not everything came to an end',
    'O1 what was accepted is there: 1 ×',
    '  order 7 is gone',
  ])
    assert.ok(lines.includes(part), part)
})

test('sizes as people read them', () => {
  assert.deepEqual([0, 999, 1_000, 12_345, 2_500_000, 3e9].map(sizeText), [
    '0 B',
    '999 B',
    '1.0 kB',
    '12 kB',
    '2.5 MB',
    '3.0 GB',
  ])
})

describe('the table of commands', () => {
  test('each is in one group of the overview', () => {
    const grouped = groups.flatMap(({ names }) => names)
    assert.deepEqual([...grouped].sort(), commands.map(({ name }) => name).sort())
  })

  for (const command of commands) {
    test(`${command.name} teaches: says what it is, and has examples with flags that exist`, () => {
      assert.ok(command.about.length > 40 && command.summary.length > 10)
      assert.ok(command.examples.length > 0)
      const flags = new Set(Object.entries(command.flags).flatMap(([name, { short }]) => [`--${name}`, `-${short}`]))
      for (const [line] of command.examples) {
        const [own = ''] = line.replaceAll(/"[^"]*"/g, '""').split(/ -- | \| | [<>] /)
        const [name, ...words] = own.split(' ')
        assert.equal(name, command.name)
        for (const word of words.filter((candidate) => candidate.startsWith('-'))) {
          assert.ok(flags.has(word), `${line}: ${word}`)
        }
      }
      for (const [name, { value, whole }] of Object.entries(command.flags)) {
        assert.equal(
          whole !== undefined,
          /^<(n|s|seconds)>$/.test(value ?? ''),
          `--${name} says which numbers it takes`,
        )
      }
      assert.ok(!command.about.split('\n').some((text) => text.length > 125), 'it fits a terminal')
    })
  }
})
