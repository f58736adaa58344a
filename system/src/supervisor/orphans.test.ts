import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ChildrenRecord, leftChildren } from './orphans.ts'
import { identify } from './process-table.ts'

const identity = identify(process.pid)
assert.ok(identity)
const self = { ...identity, instance: 'orders-1' }

test('a record that cannot be written stops nobody, is reported once, and is written with the next change', () => {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-children-'))
  const directory = join(folder, 'run')
  const path = join(directory, 'children.json')
  const notes: string[] = []
  const record = new ChildrenRecord(path, (text) => notes.push(text))
  writeFileSync(directory, 'a file where the folder should be')
  record.keep([self])
  record.keep([self])
  assert.equal(notes.length, 1)
  rmSync(directory)
  record.keep([self])
  assert.deepEqual(leftChildren(path), [self])
  assert.deepEqual(readdirSync(directory), ['children.json'])
})

test('what was written already is not written again', () => {
  const path = join(mkdtempSync(join(tmpdir(), 'svyaz-children-')), 'children.json')
  const record = new ChildrenRecord(path, assert.fail)
  record.keep([self])
  const { ino } = statSync(path)
  record.keep([self])
  assert.equal(statSync(path).ino, ino)
  record.keep([])
  assert.deepEqual(leftChildren(path), [])
})
