/** Keeps background loops running: one that throws is logged and started again with back-off. */
import type { Worker } from '../api.ts'
import type { Core } from '../core.ts'

export const workerLimits = {
  backOffFirstMs: 100,
  /** Short, because what a worker waits for is nearly always its database, which is back before this is over. */
  backOffMaxMs: 2_000,
  goodRunMs: 10_000,
} as const

/** Full jitter over a doubling bound: from 0 to min(first × 2^failures, max). */
export const workerBackOffMs = (failures: number, random: number): number =>
  random * Math.min(workerLimits.backOffFirstMs * 2 ** failures, workerLimits.backOffMaxMs)

/** Runs background loops; one that throws is logged, counted and begun again after a pause. */
export const superviseWorkers = (core: Core, workers: readonly Worker[]) => {
  const stopping = new AbortController()
  const failed = core.metrics.counter('svyaz_worker_failures_total', 'Rounds of background loops that threw', [
    'worker',
  ])
  const keep = async (worker: Worker): Promise<void> => {
    let failures = 0
    let startedAt = core.clock.monotonic()
    while (!stopping.signal.aborted) {
      try {
        startedAt = core.clock.monotonic()
        await worker.run(stopping.signal)
        return
      } catch (error) {
        if (stopping.signal.aborted) return
        // A long good run forgives what was before.
        if (core.clock.monotonic() - startedAt > workerLimits.goodRunMs) failures = 0
        failed.inc({ worker: worker.name })
        const backOffMs = workerBackOffMs(failures++, core.random())
        core.log.error({ worker: worker.name, error: String(error), backOffMs }, 'a worker failed and is restarted')
        await core.clock.delay(backOffMs, stopping.signal).catch(() => undefined)
      }
    }
  }
  const running = Promise.all(workers.map(keep))
  return {
    async stop(deadlineMs: number): Promise<void> {
      stopping.abort()
      await Promise.race([running, core.clock.delay(deadlineMs)])
    },
  }
}
