/**
 * Every process killed −9 once while 30 orders a second come in, a kill every two seconds whether the last one is over or
 * not. Nothing accepted is lost and nothing happens twice.
 */
import { test } from 'node:test'
import { faultGroups } from './nemesis.ts'
import { holds } from './trial.ts'

test('every process is killed under 30 orders a second', { timeout: 600_000 }, (context) =>
  holds(context, {
    seed: 20_261_122,
    faults: faultGroups.kills,
    pauseMs: 2_000,
    overlapping: true,
    ordersPerSecond: 30,
    users: 40,
  }),
)
