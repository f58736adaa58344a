import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { logSources } from './directory.ts'
import { LogFollower } from './follow.ts'
import { logMatcher } from './log-filter.ts'
import { type LogSearch, searchLogs } from './search.ts'

const directory = mkdtempSync(join(tmpdir(), 'telemetry-logs-'))
after(() => rmSync(directory, { recursive: true }))

const startMs = Date.UTC(2026, 0, 1)
const at = (ms: number) => new Date(startMs + ms).toISOString()
const json = (ms: number, msg: string, more: object = {}) =>
  `${JSON.stringify({ level: 'info', time: at(ms), service: 'orders', instance: 'orders-1', msg, ...more })}\n`
const everything: LogSearch = { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER, limit: 1_000 }

async function found(filter: Parameters<typeof logMatcher>[0], search: Partial<LogSearch> = {}) {
  const asked = { ...everything, ...search }
  const toMs = Math.min(asked.toMs, asked.cursor?.atMs ?? asked.toMs)
  return searchLogs(await logSources(directory, { instance: filter.instance, toMs }), logMatcher(filter), asked)
}
const texts = async (...asked: Parameters<typeof found>) => (await found(...asked)).lines.map(({ text }) => text)

test('lines of all files and of what rotation set aside come merged, newest first', async () => {
  writeFileSync(join(directory, 'orders-1.log.1'), json(0, 'a') + json(10, 'b'))
  writeFileSync(join(directory, 'orders-1.log'), json(30, 'd', { traceId: 'ab'.repeat(16), level: 'error', n: 7 }))
  writeFileSync(
    join(directory, 'postgres-1.log'),
    `2026-01-01 00:00:00.020 UTC [12] @ LOG:  c\n2026-01-01 00:00:00.040 UTC [12] orders@orders ERROR:  e\n\tmore\n`,
  )
  assert.deepEqual(await texts({}), ['\tmore', 'e', 'd', 'c', 'b', 'a'])
  const [more, e, d] = (await found({})).lines
  assert.deepEqual([more?.atMs, e?.level, e?.service, e?.instance], [startMs + 40, 'error', 'postgres', 'postgres-1'])
  assert.deepEqual([d?.traceId, d?.fields], ['ab'.repeat(16), { n: 7 }])
})

test('they are chosen by level, text, service, trace and time', async () => {
  assert.deepEqual(await texts({ level: 'error' }), ['e', 'd'])
  assert.deepEqual(await texts({ text: 'MORE' }), ['\tmore'])
  assert.deepEqual(await texts({ service: 'orders' }), ['d', 'b', 'a'])
  assert.deepEqual(await texts({ trace: 'ab'.repeat(16) }), ['d'])
  assert.deepEqual(await texts({}, { fromMs: startMs + 10, toMs: startMs + 20 }), ['c', 'b'])
})

test('pages follow each other without a gap or a repetition, in one millisecond too', async () => {
  const lines = Array.from({ length: 2_500 }, (_, n) => json(100 + Math.floor(n / 70), `line ${n}`))
  writeFileSync(join(directory, 'orders-2.log'), lines.join(''))
  const seen: string[] = []
  let cursor: LogSearch['cursor']
  for (;;) {
    const page = await found({ text: 'line ' }, { limit: 33, ...(cursor && { cursor }) })
    seen.push(...page.lines.map(({ text }) => text))
    if (page.next === null) break
    const [atMs = 0, skip = 0] = page.next.split('.').map(Number)
    cursor = { atMs, skip }
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 2_500 }, (_, n) => `line ${2_499 - n}`),
  )
})

test('a cursor leads on through more than one answer may read, and a time is found without reading what is newer', async (t) => {
  // Seven megabytes, of which one line in a thousand is looked for.
  const pad = 'x'.repeat(500)
  const lines = Array.from({ length: 10_000 }, (_, n) =>
    json(n * 10, n % 1_000 === 0 ? `needle ${n}` : 'hay', { pad, instance: 'long-1' }),
  )
  const path = join(directory, 'long-1.log')
  writeFileSync(path, lines.join(''))
  t.after(() => rmSync(path))
  const seen: string[] = []
  let cursor: LogSearch['cursor']
  for (let pages = 0; pages < 100; pages += 1) {
    const page = await found({ text: 'needle', instance: 'long-1' }, { bytesMax: 1_000_000, ...(cursor && { cursor }) })
    seen.push(...page.lines.map(({ text }) => text))
    if (page.next === null) break
    const [atMs = 0, skip = 0] = page.next.split('.').map(Number)
    assert.ok(cursor === undefined || atMs < cursor.atMs)
    cursor = { atMs, skip }
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 10 }, (_, n) => `needle ${9_000 - n * 1_000}`),
  )
  const [source] = await logSources(directory, { instance: 'long-1', toMs: startMs + 1_000 })
  await searchLogs(source ? [source] : [], logMatcher({}), { ...everything, toMs: startMs + 1_000 })
  assert.ok(source !== undefined && source.bytesRead < 1_000_000, `${source?.bytesRead} bytes`)
})

test('what lasts a whole answer in one millisecond is passed', async (t) => {
  const same = json(7, 'hay', { pad: 'x'.repeat(500), instance: 'same-1' }).repeat(10_000)
  const path = join(directory, 'same-1.log')
  writeFileSync(path, json(6, 'needle', { instance: 'same-1' }) + same)
  t.after(() => rmSync(path))
  let cursor = { atMs: startMs + 7, skip: 0 }
  for (;;) {
    const page = await found({ text: 'needle', instance: 'same-1' }, { cursor, bytesMax: 1_000_000 })
    if (page.lines.length > 0) break
    const [atMs = 0, skip = 0] = String(page.next).split('.').map(Number)
    assert.ok(atMs < cursor.atMs, `${page.next} is no further than ${cursor.atMs}`)
    cursor = { atMs, skip }
  }
})

/** Of all kinds that end in .log and aren't files that can be read. */
function oddThings(t: TestContext): void {
  mkdirSync(join(directory, 'folder.log'))
  execFileSync('mkfifo', [join(directory, 'pipe.log')])
  symlinkSync('round.log', join(directory, 'round.log'))
  t.after(() => {
    for (const name of ['folder', 'pipe', 'round']) rmSync(join(directory, `${name}.log`), { recursive: true })
  })
}

test('a folder, a pipe and what can’t be read cost their own lines alone; the answer says so', async (t) => {
  oddThings(t)
  const { lines, unreadable } = await found({ text: 'line 2499' })
  assert.deepEqual([lines.length, unreadable], [1, ['round.log: ELOOP']])
  const noFolder = await logSources(join(directory, 'orders-1.log'), { instance: undefined, toMs: 0 })
  assert.equal(noFolder[0]?.fault, 'the folder of logs: ENOTDIR')
})

test('whoever follows hears new lines beside such things, and one line without an end stays small', async (t) => {
  oddThings(t)
  const follower = new LogFollower(directory)
  t.after(() => follower.end())
  const following = follower.follow({ text: 'followed' }, 10)
  writeFileSync(join(directory, 'folder.log', 'within'), 'x')
  const later = join(directory, 'later.log')
  mkdirSync(later)
  writeFileSync(join(directory, 'new-1.log'), json(1, 'followed'))
  let taken = following.take()
  while (taken === undefined) {
    await new Promise(setImmediate)
    taken = following.take()
  }
  assert.deepEqual(
    taken.lines.map(({ text }) => text),
    ['followed'],
  )
  rmSync(later, { recursive: true })
  rmSync(join(directory, 'new-1.log'))
})

test('half a line, binary and a line without an end harm nothing', async () => {
  writeFileSync(join(directory, 'orders-3.log'), Buffer.from([0xff, 0x00, 0x0a, 0x7b, 0x0a, ...Buffer.from('{"time"')]))
  assert.ok((await found({}, { limit: 3_000 })).lines.length > 2_500)
  writeFileSync(join(directory, 'orders-3.log'), json(999_999, 'x'.repeat(200_000)))
  assert.equal((await found({}, { limit: 1 })).lines[0]?.text.length, 8_192)
})
