import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { planMigrations } from './migrations.ts'

const sum = (sql: string) => createHash('sha256').update(sql).digest('hex')
const first = { id: '0001-a', sql: 'create table a ()' }
const second = { id: '0002-b', sql: 'create table b ()' }

describe('planMigrations', () => {
  test('runs what is not applied yet, in order', () => {
    assert.deepEqual(planMigrations([first, second], new Map()), { run: [first, second] })
    assert.deepEqual(planMigrations([first, second], new Map([['0001-a', sum(first.sql)]])), { run: [second] })
  })
  test('refuses one that was edited after it was applied', () => {
    const plan = planMigrations([first], new Map([['0001-a', sum('create table x ()')]]))
    assert.ok('refuse' in plan)
    assert.match(plan.refuse, /0001-a was edited/)
  })
  test('refuses ids that repeat or do not ascend', () => {
    assert.ok('refuse' in planMigrations([second, first], new Map()))
    assert.ok('refuse' in planMigrations([first, first], new Map()))
  })
  test('leaves alone what a newer version has applied', () => {
    assert.deepEqual(
      planMigrations(
        [first],
        new Map([
          ['0001-a', sum(first.sql)],
          ['0009-z', 'x'],
        ]),
      ),
      { run: [] },
    )
  })
})
