import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { testCore } from '../../test/core-fixture.ts'
import { apartMs, watchClock } from './clock-skew.ts'

const noon = Date.parse('2026-01-01T12:00:00Z')
const hour = 3_600_000

describe('clocks that are apart', () => {
  it('are told by as much as is certain, ahead and behind', () => {
    // The other made its answer between 12:00:00 and 12:00:01 of its own.
    assert.equal(apartMs({ sentAt: noon + 300, receivedAt: noon + 310, date: noon }), 0)
    assert.equal(apartMs({ sentAt: noon + hour, receivedAt: noon + hour + 10, date: noon }), hour - 1_000)
    assert.equal(apartMs({ sentAt: noon - hour, receivedAt: noon - hour + 10, date: noon }), 10 - hour)
  })

  it('are not told because an answer took long, or a process stood still meanwhile', () => {
    assert.equal(apartMs({ sentAt: noon, receivedAt: noon + hour, date: noon }), 0)
    assert.equal(apartMs({ sentAt: noon, receivedAt: noon + hour, date: noon + hour }), 0)
  })

  it('are written down once at each turn, and kept in the gauge', () => {
    const core = testCore()
    const compare = watchClock(core, 'discovery')
    const at = (ahead: number) => compare({ sentAt: noon + ahead, receivedAt: noon + ahead + 5, date: noon })
    for (const ahead of [0, 1_500, hour, hour, hour, 0, 0, -hour, -hour, 0]) at(ahead)
    assert.deepEqual(
      core.logs.map(({ level }) => level),
      ['warn', 'info', 'warn', 'info'],
    )
    at(hour)
    assert.equal(core.gauged('svyaz_clock_apart_seconds', { peer: 'discovery' }), 3_599)
  })

  it('are not judged by an answer without a date, nor by one around which the own clock was set', () => {
    const core = testCore()
    const compare = watchClock(core, 'discovery')
    compare({ sentAt: noon, receivedAt: noon + 5, date: Number.NaN })
    compare({ sentAt: noon + hour, receivedAt: noon, date: noon })
    assert.equal(core.gauged('svyaz_clock_apart_seconds', { peer: 'discovery' }), undefined)
    assert.equal(core.logs.length, 0)
  })
})
