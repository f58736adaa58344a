import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOf, questionOf } from './question.ts'

const question = (text: string) => Object.fromEntries(new URLSearchParams(questionOf(new URLSearchParams(text))))

test('without a word the running sagas are asked for, newest first', () => {
  assert.deepEqual(question(''), { status: 'running', limit: '50' })
})

test('status, order, age and cursor go along; an age that isn’t a number is left out', () => {
  assert.deepEqual(question('status=cancelling&sort=oldest&age=60&cursor=abc'), {
    status: 'cancelling',
    limit: '50',
    sort: 'oldest',
    olderThanSeconds: '60',
    cursor: 'abc',
  })
  assert.deepEqual(question('age=old'), { status: 'running', limit: '50' })
})

test('a selection counts the statuses that it stands for', () => {
  const totals = [
    { status: 'pending', count: 2 },
    { status: 'paid', count: 3 },
    { status: 'completed', count: 5 },
  ]
  const count = (selection: string) => countOf(selection, totals, (status) => status === 'completed')
  assert.deepEqual(['running', 'finished', 'all', 'paid', 'shipped'].map(count), [5, 5, 10, 3, 0])
})
