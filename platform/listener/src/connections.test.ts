import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ConnectionTable } from './connections.ts'

const bounds = { connectionsMax: 6, connectionsPerAddressMax: 4, firstRequestMs: 1_000 }

/** Connections are words; the one that goes for a newcomer, or 'refused'. */
const tableOf = () => {
  const table = new ConnectionTable<string>(bounds)
  const open = (name: string, address = 'a', now = 0, shared = false) => {
    const { admitted, cut } = table.opened(name, address, now, shared)
    return admitted ? cut : 'refused'
  }
  const answered = (name: string) => {
    table.began(name)
    table.ended(name)
  }
  return { table, open, answered }
}

describe('the connections of a listener', () => {
  it('has limited room for one address, and then the longest waiting of that address goes', () => {
    const { table, open } = tableOf()
    for (const name of ['1', '2', '3', '4']) assert.equal(open(name), undefined)
    assert.equal(open('other', 'b'), undefined)
    assert.equal(open('5'), '1')
    assert.equal(open('6'), '2')
    assert.equal(table.size, 5)
  })

  it('has limited room in all, and then one of the address with the most waiting goes', () => {
    const { open } = tableOf()
    for (const [name, address] of ['1a', '2b', '3b', '4b', '5c', '6c'].map((name) => [name, name[1]]))
      assert.equal(open(name!, address), undefined)
    assert.equal(open('7d', 'd'), '2b')
    assert.equal(open('8e', 'e'), '3b')
  })

  it('never cuts one that works, however long, and refuses a newcomer only when all work', () => {
    const { table, open } = tableOf()
    for (const name of ['1', '2', '3', '4']) open(name)
    for (const name of ['1', '2', '3']) table.began(name)
    assert.equal(open('5'), '4')
    table.began('5')
    assert.equal(open('6'), 'refused')
    assert.equal(table.size, 4)
    assert.equal(open('other', 'b'), undefined)
    table.ended('2')
    assert.equal(open('6'), '2')
  })

  it('counts one between requests as waiting since its last answer', () => {
    const { open, answered } = tableOf()
    for (const name of ['1', '2', '3', '4']) {
      open(name)
      answered(name)
    }
    answered('1')
    assert.equal(open('5'), '2')
  })

  it('lets idle ones that have worked outlive those that had their time for a first request', () => {
    const { open, answered } = tableOf()
    for (const name of ['pool 1', 'pool 2', 'silent 1', 'silent 2']) open(name)
    for (const name of ['pool 1', 'pool 2']) answered(name)
    assert.equal(open('late 1', 'a', 1_000), 'silent 1')
    assert.equal(open('late 2', 'a', 1_000), 'silent 2')
  })

  it('gives a newcomer its time among idle ones: the next one does not push it out', () => {
    const { open, answered } = tableOf()
    for (const name of ['1', '2', '3', '4']) {
      open(name)
      answered(name)
    }
    assert.equal(open('user', 'a', 5_000), '1')
    assert.equal(open('next', 'a', 5_001), '2')
  })

  it('works until the last of its pipelined requests is answered', () => {
    const { table, open } = tableOf()
    for (const name of ['1', '2', '3', '4']) open(name)
    table.began('1')
    table.began('1')
    table.ended('1')
    assert.equal(open('5'), '2')
    table.ended('1')
    table.closed('3')
    table.closed('4')
    assert.deepEqual([open('6'), open('7'), open('8', 'a', 0)], [undefined, undefined, '5'])
  })

  it('asks only the bound of all of a proxy, behind which are many', () => {
    const { open } = tableOf()
    for (const name of ['1', '2', '3', '4', '5', '6']) assert.equal(open(name, 'proxy', 0, true), undefined)
    assert.equal(open('7', 'proxy', 0, true), '1')
  })

  it('forgets what is closed, once, and what comes late for it', () => {
    const { table, open } = tableOf()
    open('1')
    for (let times = 0; times < 2; times++) table.closed('1')
    table.began('1')
    table.ended('1')
    assert.equal(table.size, 0)
  })
})
