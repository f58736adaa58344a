import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type CacheRule,
  cacheStatus,
  directivesOf,
  type Found,
  freshened,
  hasAlready,
  isAbout,
  isFresh,
  type KeptAnswer,
  keepable,
  mayStandForError,
  wishesOf,
} from './cache-rules.ts'

const everybodys: CacheRule = { seconds: 10, staleSeconds: 60, by: 'nobody', vary: [] }
const personal: CacheRule = { ...everybodys, by: 'user' }
const body = Buffer.from('{}')
const tagOf = () => 'W/"made"'
const keep = (fields: Record<string, string | string[]>, rule = everybodys, status = 200) =>
  keepable({ status, fields, body }, rule, tagOf)
const kept = (fields: Record<string, string | string[]>, rule = everybodys): KeptAnswer => {
  const answer = keep(fields, rule)
  assert.ok(typeof answer !== 'string', String(answer))
  return answer
}
const wishes = wishesOf(undefined, undefined)

test('what may not be kept', () => {
  const refused: [string, Record<string, string | string[]>, CacheRule?, number?][] = [
    ['cache-control', { 'cache-control': 'no-store' }],
    ['cache-control', { 'cache-control': 'max-age=60, No-Store' }],
    ['cache-control', { 'cache-control': 'private' }],
    ['cache-control', { 'cache-control': 'private="set-cookie", max-age=5' }],
    ['cache-control', { 'cache-control': 'no-cache' }],
    ['set-cookie', { 'set-cookie': ['a=1'] }],
    ['vary', { vary: '*' }],
    ['vary', { vary: 'Accept-Language' }],
    ['vary', { vary: 'accept-language, cookie' }, { ...everybodys, vary: ['accept-language'] }],
    ['status', {}, everybodys, 206],
    ['status', {}, everybodys, 404],
    ['status', {}, everybodys, 500],
    ['status', {}, everybodys, 401],
  ]
  for (const [why, fields, rule, status] of refused)
    assert.equal(keep(fields, rule ?? everybodys, status ?? 200), why, JSON.stringify(fields))
})

test('a personal cache may keep what is private, and what is asked about each time when it has a tag', () => {
  assert.equal(kept({ 'cache-control': 'private' }, personal).freshMs, 10_000)
  assert.equal(kept({ 'cache-control': 'no-cache', etag: '"1"' }).freshMs, 0)
})

test('how long: the service’s word, at most the route’s', () => {
  const date = 'Thu, 26 Nov 2026 10:00:00 GMT'
  const cases: [Record<string, string>, number][] = [
    [{}, 10_000],
    [{ 'cache-control': 'max-age=3' }, 3_000],
    [{ 'cache-control': 'max-age=300' }, 10_000],
    [{ 'cache-control': 'max-age=3, s-maxage=5' }, 5_000],
    [{ 'cache-control': 'max-age=3, max-age=5' }, 3_000],
    [{ 'cache-control': 'max-age=soon' }, 0],
    [{ 'cache-control': 'max-age="4"' }, 4_000],
    [{ expires: 'Thu, 26 Nov 2026 10:00:07 GMT', date }, 7_000],
    [{ expires: '0', date }, 0],
    [{ expires: '0', date, 'cache-control': 'max-age=6' }, 6_000],
  ]
  for (const [fields, freshMs] of cases) assert.equal(kept(fields).freshMs, freshMs, JSON.stringify(fields))
})

test('fresh until its time is over, its data changed, or the client wants it otherwise', () => {
  const answer = kept({ 'cache-control': 'max-age=8' })
  const at = (ageMs: number, changed = false): Found => ({ answer, ageMs, changed })
  assert.equal(isFresh(at(7_999), wishes), true)
  assert.equal(isFresh(at(8_000), wishes), false)
  assert.equal(isFresh(at(0, true), wishes), false)
  assert.equal(isFresh(at(3_000), wishesOf('max-age=2', undefined)), false)
  assert.equal(isFresh(at(3_000), wishesOf('min-fresh=6', undefined)), false)
  assert.equal(isFresh(at(0), wishesOf('no-cache', undefined)), false)
  assert.equal(isFresh(at(0), wishesOf(undefined, 'no-cache')), false)
})

test('in place of an error: as long as the route says, never what must be asked about', () => {
  const stands = (fields: Record<string, string>, ageMs: number) =>
    mayStandForError({ answer: kept(fields), ageMs, changed: true }, wishes)
  assert.equal(stands({}, 69_999), true)
  assert.equal(stands({}, 70_000), false)
  for (const control of ['must-revalidate', 'proxy-revalidate', 's-maxage=5'])
    assert.equal(stands({ 'cache-control': control }, 1), false, control)
  assert.equal(stands({ 'cache-control': 'no-cache', etag: '"1"' }, 1), false)
})

test('the age of an answer that comes from another cache counts', () => {
  assert.equal(kept({ age: '4' }).ageMsAtFirst, 4_000)
})

test('a body without a tag gets a weak one; the service is asked only by its own', () => {
  const made = kept({})
  assert.deepEqual([made.etag, made.revalidates], ['W/"made"', false])
  assert.ok(made.headers.includes('W/"made"'))
  const given = kept({ etag: '"7"' })
  assert.deepEqual([given.etag, given.revalidates], ['"7"', true])
})

test('what is of one hop or one delivery is not kept, nor what the gateway sets', () => {
  const { headers } = kept({ connection: 'close, x-hop', 'x-hop': '1', age: '1', 'x-trace-id': 'a', 'x-own': 'yes' })
  assert.deepEqual(headers.slice(0, 2), ['x-own', 'yes'])
  for (const name of ['connection', 'x-hop', 'age', 'x-trace-id']) assert.ok(!headers.includes(name), name)
})

test('a 304 brings fields up to date and leaves the body as it is described', () => {
  const before = kept({ etag: '"1"', 'content-type': 'application/json', 'x-own': 'old', 'x-kept': 'yes' })
  const { answer: after } = freshened(before, { etag: '"1"', 'content-type': 'text/html', 'x-own': 'new' }, everybodys)
  assert.deepEqual(Object.fromEntries(pairs(after.headers)), {
    etag: '"1"',
    'content-type': 'application/json',
    'x-own': 'new',
    'x-kept': 'yes',
    'cache-control': 'public, max-age=0, stale-if-error=60',
  })
  assert.equal(after.body, before.body)
})

test('a 304 is judged as the whole answer that it makes: what may not be kept any longer is not', () => {
  const before = kept({ etag: '"1"', 'cache-control': 'max-age=5' })
  const fault = (fields: Record<string, string | string[]>, rule = everybodys) => freshened(before, fields, rule).fault
  assert.equal(fault({ 'cache-control': 'no-store' }), 'cache-control')
  assert.equal(fault({ 'cache-control': 'private' }), 'cache-control')
  assert.equal(fault({ 'cache-control': 'private' }, personal), undefined)
  assert.equal(fault({ vary: 'cookie' }), 'vary')
  assert.equal(fault({ 'set-cookie': ['a=1'] }), 'set-cookie')
  assert.equal(fault({ 'cache-control': 'no-cache' }), undefined, 'it has a tag to be asked with')
  const useless = freshened(before, { 'cache-control': 'no-store' }, everybodys).answer
  assert.deepEqual([useless.freshMs, useless.staleMs, useless.revalidates], [0, 0, false])
})

test('what a 304 does not say holds as it was said first; what it says counts from now', () => {
  const fresh = (first: Record<string, string>, fields: Record<string, string>) =>
    freshened(kept({ etag: '"1"', ...first }), fields, everybodys).answer
  assert.equal(fresh({ 'cache-control': 'max-age=5' }, { etag: '"1"' }).freshMs, 5_000)
  assert.equal(fresh({ 'cache-control': 'max-age=5, must-revalidate' }, {}).staleMs, 0)
  assert.equal(fresh({ 'cache-control': 'max-age=5' }, { 'cache-control': 'max-age=3' }).freshMs, 3_000)
  assert.equal(fresh({}, {}).freshMs, 10_000, 'the route’s word, not what it makes clients do')
  assert.equal(freshened(fresh({}, {}), {}, everybodys).answer.freshMs, 10_000)
  assert.equal(fresh({ 'cache-control': 'max-age=5', age: '4' }, {}).ageMsAtFirst, 0)
  assert.equal(fresh({ 'cache-control': 'max-age=5' }, { age: '2' }).ageMsAtFirst, 2_000)
  const dated = { date: 'Thu, 26 Nov 2026 10:00:00 GMT', expires: 'Thu, 26 Nov 2026 10:00:08 GMT' }
  assert.equal(fresh(dated, { date: 'Thu, 26 Nov 2026 10:00:06 GMT' }).freshMs, 2_000)
})

test('a 304 with another tag is about something else', () => {
  const before = kept({ etag: '"1"' })
  assert.equal(isAbout(before, { etag: 'W/"1"' }), true)
  assert.equal(isAbout(before, {}), true)
  assert.equal(isAbout(before, { etag: '"2"' }), false)
  assert.equal(isAbout(kept({}), {}), false, 'the service has never named a tag')
})

const pairs = (flat: readonly string[]) =>
  flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]!] as const] : []))

test('If-None-Match compares weakly', () => {
  assert.equal(hasAlready('"1", W/"2"', '"2"'), true)
  assert.equal(hasAlready('"2"', 'W/"2"'), true)
  assert.equal(hasAlready('*', '"2"'), true)
  assert.equal(hasAlready('"1"', '"2"'), false)
  assert.equal(hasAlready(undefined, '"2"'), false)
})

test('directives with commas in quotes, in any case', () => {
  assert.deepEqual(
    [...directivesOf('Private="a, no-store", MAX-AGE=5')],
    [
      ['private', 'a, no-store'],
      ['max-age', '5'],
    ],
  )
})

test('Cache-Status', () => {
  assert.equal(cacheStatus({ hit: true, ttlMs: 4_900 }), 'svyaz; hit; ttl=4')
  assert.equal(
    cacheStatus({ fwd: 'stale', fwdStatus: 503, ttlMs: -12_000, detail: 'stale-if-error' }),
    'svyaz; fwd=stale; fwd-status=503; ttl=-12; detail=stale-if-error',
  )
})
