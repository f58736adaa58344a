import assert from 'node:assert/strict'
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { followLines, lastLines } from './log-reader.ts'
import { againAfterMs, type Disk, Output } from './output.ts'
import { reasonIn } from './probe.ts'

const file = () => join(mkdtempSync(join(tmpdir(), 'svyaz-log-')), 'orders-1.log')
const line = (number: number) => Buffer.from(`line ${number}\n`)

test('a full file is set aside and reading continues into it', () => {
  const path = file()
  using output = new Output(path, 30)
  for (let number = 1; number <= 8; number += 1) output.write(line(number))
  assert.equal(readFileSync(`${path}.1`, 'utf8'), 'line 1\nline 2\nline 3\nline 4\n')
  assert.deepEqual(lastLines(path, 5), ['line 4', 'line 5', 'line 6', 'line 7', 'line 8'])
  assert.deepEqual(lastLines(path, 100).length, 8)
  assert.deepEqual(lastLines(path, 0), [])
})

test('a file that does not exist has no lines', () => {
  assert.deepEqual(lastLines(file(), 3), [])
})

test('an output continues the file of an earlier supervisor', () => {
  const path = file()
  for (const number of [1, 2]) {
    using output = new Output(path)
    output.write(line(number))
  }
  assert.deepEqual(lastLines(path, 9), ['line 1', 'line 2'])
})

test('following yields whole lines, across rotation, and characters that arrive in halves', async () => {
  const path = file()
  using output = new Output(path, 40)
  output.write(line(0))
  const stop = new AbortController()
  const seen: string[] = []
  const following = (async () => {
    for await (const text of followLines(path, stop.signal)) {
      seen.push(text)
      if (text === 'end') stop.abort()
    }
  })()
  const word = Buffer.from('связь\n')
  output.write(word.subarray(0, 3))
  output.write(word.subarray(3))
  for (let number = 1; number <= 4; number += 1) output.write(line(number))
  output.write(Buffer.from('end\n'))
  await following
  assert.deepEqual(seen, ['связь', 'line 1', 'line 2', 'line 3', 'line 4', 'end'])
})

test('an output that could not be set aside is written again when a moment later that works, and says what is missing', () => {
  const path = file()
  let now = 0
  using output = new Output(path, 20, () => now)
  output.write(line(1))
  output.write(line(2))
  // Nothing can take the name of a folder with something in it.
  mkdirSync(join(`${path}.1`, 'taken'), { recursive: true })
  output.write(line(3))
  output.write(line(4))
  assert.equal(readFileSync(path, 'utf8'), 'line 1\nline 2\n')
  rmSync(`${path}.1`, { recursive: true })
  now += againAfterMs
  output.write(line(5))
  const [said, written] = lastLines(path, 9).slice(-2) as [string, string]
  assert.match(JSON.parse(said).msg, /^2 pieces of output are missing here/)
  assert.equal(written, 'line 5')
})

for (const refused of ['renameSync', 'openSync'] as const)
  test(`while the disk refuses ${refused}, it is tried once in a while, not for each chunk`, () => {
    let now = 0
    let calls = 0
    let refuses = false
    const counted = <A extends unknown[], R>(name: string, call: (...given: A) => R) => {
      return (...given: A): R => {
        calls++
        if (refuses && name === refused) throw Object.assign(new Error('no'), { code: 'EACCES' })
        return call(...given)
      }
    }
    const real: Disk = { closeSync, fstatSync, mkdirSync, openSync, renameSync, writeSync }
    const disk = Object.fromEntries(
      Object.entries(real).map(([name, call]) => [name, counted(name, call as (...given: unknown[]) => unknown)]),
    ) as unknown as Disk
    const path = file()
    using output = new Output(path, 20, () => now, disk)
    output.write(line(1))
    output.write(line(2))
    refuses = true
    output.write(line(3))
    const before = calls
    for (let chunk = 0; chunk < 1_000; chunk++) output.write(line(4))
    assert.equal(calls, before)
    now += againAfterMs
    for (let chunk = 0; chunk < 1_000; chunk++) output.write(line(5))
    assert.ok(calls > before && calls <= before + 5, `${calls - before} calls`)
    refuses = false
    now += againAfterMs
    output.write(line(6))
    const [said, written] = lastLines(path, 9).slice(-2) as [string, string]
    assert.match(JSON.parse(said).msg, /^2001 pieces/)
    assert.equal(written, 'line 6')
  })

test('last words are the last sentence on standard error, of the process before when the present one is silent', () => {
  using output = new Output(file())
  assert.equal(output.lastWords(), undefined)
  output.heard(
    Buffer.from('warming up\nsvyaz-broker: the \u001b[31mlog is missing\n    at main (x.ts:1:2)\n\nNode.js v24.0.0\n'),
  )
  assert.equal(output.lastWords(), 'svyaz-broker: the  [31mlog is missing')
  output.heard(
    Buffer.from(
      '(node:9041) [DEP0137] DeprecationWarning: Closing a FileHandle\n(Use `node --trace-deprecation ...` to show where)\n',
    ),
  )
  assert.equal(output.lastWords(), 'svyaz-broker: the  [31mlog is missing', 'what Node remarks is not a reason')
  output.begin()
  assert.equal(output.lastWords(), 'svyaz-broker: the  [31mlog is missing')
  output.heard(Buffer.from('something else\n'))
  assert.equal(output.lastWords(), 'something else')
})

test('a reason is a line of text on a health page, whatever else is there', () => {
  assert.deepEqual(reasonIn('{"status":"ready","reason":"the disk\\nis full"}'), { reason: 'the disk is full' })
  assert.deepEqual(reasonIn('{"status":"DOWN","reasons":["waiting for its database","no leader"]}'), {
    reason: 'waiting for its database; no leader',
  })
  for (const body of ['{"status":"UP","reasons":[]}', '{"status":"ready"}', '{"reason":7}', 'ready', '', 'null'])
    assert.deepEqual(reasonIn(body), {})
})
