import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Tab, tabOf } from './tab.ts'

const tab = (path: string, places: RegExp): Tab => ({
  path,
  places,
  rank: 1,
  title: { en: path, ru: path },
  Page: () => null,
})
const home = tab('', /^(?:orders\/[\w-]+)?$/)
const logs = tab('logs', /^[\w-]*$/)
const tabs = [home, logs]

test('a path leads to the tab that has it, with the rest of the path', () => {
  assert.deepEqual(tabOf('/', tabs), { tab: home, rest: '' })
  assert.deepEqual(tabOf('/orders/a-1', tabs), { tab: home, rest: 'orders/a-1' })
  assert.deepEqual(tabOf('/logs', tabs), { tab: logs, rest: '' })
  assert.deepEqual(tabOf('/logs/', tabs), { tab: logs, rest: '' })
  assert.deepEqual(tabOf('/logs/orders-1', tabs), { tab: logs, rest: 'orders-1' })
})

test('a path that no tab has leads nowhere: not to the tab that everybody arrives at', () => {
  for (const path of ['/nonsense', '/orders/a/b', '/logs/a/b', '/logs/%3Cb%3E', '/relay', '//', '/orders/'])
    assert.equal(tabOf(path, tabs).tab, undefined, path)
})
