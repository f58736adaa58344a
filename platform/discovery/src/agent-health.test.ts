import assert from 'node:assert/strict'
import { test } from 'node:test'
import { aggregatedStatus } from './agent-health.ts'
import type { CheckStatus } from './state.ts'

const check = (status: CheckStatus, checkId = 'c') => ({ checkId, status })

test('the worst check counts', () => {
  assert.equal(aggregatedStatus([]), 'passing')
  assert.equal(aggregatedStatus([check('passing'), check('warning')]), 'warning')
  assert.equal(aggregatedStatus([check('warning'), check('critical')]), 'critical')
  assert.equal(aggregatedStatus([check('critical', '_service_maintenance:web'), check('passing')]), 'maintenance')
})
