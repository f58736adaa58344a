/**
 * One kill at each crash point of the list, in a process that passes it under load; then a worker stopped beyond its lease,
 * services scaled up and down, poison, and a processor that charges and loses the answer. Every fault must visibly have
 * fired, and everything must hold.
 */
import { test } from 'node:test'
import { faultGroups } from './nemesis.ts'
import { holds } from './trial.ts'

const { crashes, pauses, scales, poison, processor } = faultGroups

test(
  'a kill at every crash point, a stale worker, other numbers of instances, poison, lost answers',
  {
    timeout: 900_000,
  },
  (context) =>
    holds(context, {
      seed: 20_261_123,
      faults: [...crashes, ...pauses, ...scales, ...poison, ...processor],
      pauseMs: 500,
      ordersPerSecond: 6,
      users: 30,
    }),
)
