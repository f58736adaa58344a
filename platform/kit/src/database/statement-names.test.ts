import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStatementNames } from './statement-names.ts'

test('a statement is named from its second coming on, each by a name of its own', () => {
  const nameOf = createStatementNames()
  assert.deepEqual([nameOf('select $1'), nameOf('select $2')], [undefined, undefined])
  const first = nameOf('select $1')
  const second = nameOf('select $2')
  assert.ok(first !== undefined && second !== undefined && first !== second)
  assert.deepEqual([nameOf('select $1'), nameOf('select $2')], [first, second])
})

test('names have a limit, and what keeps them goes on having them', () => {
  const nameOf = createStatementNames(2)
  const named = ['a', 'b'].map((text) => [nameOf(text), nameOf(text)][1])
  assert.deepEqual([nameOf('c'), nameOf('c'), nameOf('c')], [undefined, undefined, undefined])
  assert.deepEqual(['a', 'b'].map(nameOf), named)
})

test('texts that come once push none aside that comes again', () => {
  const nameOf = createStatementNames(3)
  for (let list = 0; list < 100; list++) nameOf(`in (${'?'.repeat(list)})`)
  nameOf('again')
  assert.notEqual(nameOf('again'), undefined)
})
