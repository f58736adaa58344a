import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedPaths, checkOf } from './page-checks.ts'
import { listedPage, listedPages } from './page-list.ts'

test('every page of the console is looked at, and nothing that isn’t one', () => {
  const listed = listedPages().map(({ path }) => path)
  assert.ok(listed.length >= 16, listed.join())
  assert.deepEqual(checkedPaths().sort(), listed.toSorted())
})

test('the list is that of the navigation: the map first, then by group and rank', () => {
  const listed = listedPages()
  assert.equal(listed[0]?.path, '')
  assert.deepEqual([...new Set(listed.map(({ group }) => group))], ['watch', 'messages', 'system', 'lab'])
  assert.deepEqual(listed.find(({ path }) => path === 'sagas')?.title, { en: 'Sagas', ru: 'Саги' })
})

test('a page that nobody has said anything of is named', () => {
  assert.throws(() => checkOf('new-page'), /no row for the page \/new-page/)
  assert.throws(() => listedPage("  path: 'new-page',\n"), /says nothing of its group/)
})
