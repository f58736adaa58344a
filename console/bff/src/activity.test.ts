import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Activity, keep } from '../../protocol.ts'
import { ActivityLog } from './activity.ts'

const folder = () => mkdtempSync(join(tmpdir(), 'svyaz-activity-'))

test('what was asked is there again after a restart, newest first, a cut line left out', () => {
  const directory = folder()
  const heard: Activity[] = []
  const log = new ActivityLog(directory, (entry) => heard.push(entry))
  log.add({ who: 'operator', action: 'kill', target: 'orders-1' })
  log.add({ who: 'operator', action: 'scale', target: 'orders', detail: '3' }, 'refused')
  appendFileSync(join(directory, 'activity.ndjson'), '{"id":3,"at":"2026')
  const again = new ActivityLog(directory, () => {})
  assert.deepEqual(again.entries, heard.toReversed())
  assert.deepEqual(
    again.entries.map(({ id, refused }) => [id, refused]),
    [
      [2, 'refused'],
      [1, undefined],
    ],
  )
})

test('neither the list nor the file grows without end', () => {
  const directory = folder()
  const log = new ActivityLog(directory, () => {})
  for (let at = 0; at < 5 * keep.activity; at += 1) log.add({ who: 'operator', action: 'kill', target: `p-${at}` })
  assert.equal(log.entries.length, keep.activity)
  assert.equal(log.entries[0]?.target, `p-${5 * keep.activity - 1}`)
  const lines = readFileSync(join(directory, 'activity.ndjson'), 'utf8').trimEnd().split('\n')
  assert.ok(lines.length <= 2 * keep.activity, `${lines.length}`)
})
