import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { LoopLagSampler, loopLagLimits, sampleAfterMs } from './loop-lag.ts'
import { createMetrics } from './metrics.ts'

test('a loop that rests is sampled every other second, a busy one closely', () => {
  assert.equal(sampleAfterMs(0.01), loopLagLimits.atRestMs)
  assert.equal(sampleAfterMs(loopLagLimits.busyFrom), loopLagLimits.busyMs)
  assert.equal(sampleAfterMs(1), loopLagLimits.busyMs)
})

test('metrics do not wake a process that has nothing to do', async () => {
  createMetrics({})
  const turns = () => performance.nodeTiming.uvMetricsInfo.loopCount
  const before = turns()
  await delay(1_000)
  // Samples every 10 ms would be a hundred turns.
  assert.ok(turns() - before < 50, `${turns() - before} turns of the loop in a second`)
})

test('a loop that was held up is told, once', async () => {
  const sampler = new LoopLagSampler()
  const until = performance.now() + loopLagLimits.atRestMs + 200
  while (performance.now() < until);
  await delay(1)
  assert.ok(sampler.take().maxSeconds >= 0.1)
  assert.equal(sampler.take().maxSeconds, 0)
})

test('the metrics keep the names that dashboards ask for', async () => {
  const text = await createMetrics({ service: 'x' }).text()
  for (const name of ['mean', 'p50', 'p99', 'max'])
    assert.match(text, new RegExp(`^nodejs_eventloop_lag_${name}_seconds\\{service="x"\\} `, 'm'))
})
