/** What docs/monitoring.md says of a tool that is away, by the figures in the files: in real time it would take minutes. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const read = (file: string) => readFileSync(join(import.meta.dirname, file), 'utf8')
const tools = readdirSync(import.meta.dirname).filter((file) => /^outside-.*\.yaml$/.test(file))

const awaySeconds = 5 * 60
/** The longest pause between two attempts: the exporters' max_interval of 30 s, and half of it by chance. */
const pauseSeconds = 45
/** For what an attempt may take that nobody answers: the exporters' timeout. */
const attemptSeconds = 30

/** Of `name: 10m`, `name: 1s` or `name: 600`. */
function figure(text: string, name: string): number {
  const [, number, unit = ''] = new RegExp(`^ +${name}: (\\d+)(m|s)?$`, 'm').exec(text) ?? []
  return Number(number) * (unit === 'm' ? 60 : 1)
}

/** It gives up before an attempt that would come later than this, so one has to come after the tool is back. */
const returnSeconds = awaySeconds + attemptSeconds + pauseSeconds

test('there are tools', () => assert.ok(tools.length >= 3))

for (const file of tools) {
  test(`${file}: a tool that is away for five minutes is asked again after it is back`, () => {
    const elapsed = figure(read(file), 'max_elapsed_time')
    assert.ok(elapsed >= returnSeconds, `${elapsed} s`)
    assert.ok(elapsed <= 900, `one that is gone is asked for ${elapsed} s`)
  })

  test(`${file}: what comes until then has room`, () => {
    const batches = returnSeconds / figure(read('outside.yaml'), 'timeout')
    const room = figure(read(file), 'queue_size')
    assert.ok(room >= batches, `room for ${room} of ${batches} batches`)
    assert.ok(room <= 1000, `${room} batches wait for one that is gone`)
  })
}
