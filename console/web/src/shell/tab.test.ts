import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Tab, tabOf } from './tab.ts'

const tab = (path: string, places: RegExp): Tab => ({
  path,
  places,
  group: 'watch',
  rank: 1,
  icon: 'map',
  letter: 'x',
  title: { en: path, ru: path },
  Page: () => null,
})
const home = tab('', /^$/)
const orders = tab('orders', /^[\w-]*$/)
const logs = tab('logs', /^[\w-]*$/)
const tabs = [home, orders, logs]

test('a path leads to the tab that has it, with the rest of the path', () => {
  assert.deepEqual(tabOf('/', tabs), { tab: home, rest: '' })
  assert.deepEqual(tabOf('/orders/a-1', tabs), { tab: orders, rest: 'a-1' })
  assert.deepEqual(tabOf('/logs', tabs), { tab: logs, rest: '' })
  assert.deepEqual(tabOf('/logs/', tabs), { tab: logs, rest: '' })
  assert.deepEqual(tabOf('/logs/orders-1', tabs), { tab: logs, rest: 'orders-1' })
})

test('a path that no tab has leads nowhere: not to the tab that everybody arrives at', () => {
  for (const path of ['/nonsense', '/orders/a/b', '/logs/a/b', '/logs/%3Cb%3E', '/relay', '//'])
    assert.equal(tabOf(path, tabs).tab, undefined, path)
})

test('no two tabs have the same path or the same letter', () => {
  const tabFiles = globSync(join(import.meta.dirname, '../tabs/*/tab.tsx')).map((file) => readFileSync(file, 'utf8'))
  assert.ok(tabFiles.length > 5)
  for (const part of [/^ {2}path: '(.*)'/m, /^ {2}letter: '(.*)'/m]) {
    const values = tabFiles.map((text) => part.exec(text)?.[1]).sort()
    assert.deepEqual(values, [...new Set(values)])
  }
})
