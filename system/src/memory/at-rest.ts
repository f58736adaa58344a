/**
 * A process that rests gives back what it doesn't need (docs/decisions/0102). V8 collects the old generation when it
 * has grown to a limit: a process that started and then waits never reaches it, and keeps what its start or its last
 * busy hour left behind. So it is looked at now and then, and collected once when there is something to gain.
 */
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export const restLimits = {
  /** By then a service has started, and written its compile cache, which allocates. */
  firstLookMs: 8_000,
  lookEveryMs: 30_000,
  /** Share of the time in which the event loop had something to do: up to here a process rests. */
  busyShareMax: 0.05,
  /** Above it the pause is too long for whoever comes just then. */
  usedBytesMax: 128 * 1024 ** 2,
  /** What has come since the last time. More than the young generation, which is collected as it fills. */
  grownBytesMin: 12 * 1024 ** 2,
} as const

/**
 * Whether a collection is worth its pause. Pure.
 * @param looked `busyShare` since the last look, 0 to 1; `usedBytes` of the heap now, and `keptBytes` of it after the
 *   last collection, 0 before the first
 */
export const shouldCollect = (looked: { busyShare: number; usedBytes: number; keptBytes: number }): boolean =>
  looked.busyShare <= restLimits.busyShareMax &&
  looked.usedBytes <= restLimits.usedBytesMax &&
  looked.usedBytes - looked.keptBytes >= restLimits.grownBytesMin

export interface RestTimes {
  readonly firstLookMs: number
  readonly lookEveryMs: number
}

/** Looks until the process ends, and holds no process open. */
export function collectAtRest({ firstLookMs, lookEveryMs }: RestTimes = restLimits): void {
  let before: EventLoopUtilization = performance.eventLoopUtilization()
  let keptBytes = 0
  const look = () => {
    const now = performance.eventLoopUtilization()
    const { utilization: busyShare } = performance.eventLoopUtilization(now, before)
    before = now
    const used = usedBytes()
    // V8 collects too: what is gathered since counts.
    keptBytes = Math.min(keptBytes, used)
    if (shouldCollect({ busyShare, usedBytes: used, keptBytes })) {
      collectAll()
      keptBytes = usedBytes()
    }
    setTimeout(look, lookEveryMs).unref()
  }
  setTimeout(look, firstLookMs).unref()
}

const usedBytes = (): number => getHeapStatistics().used_heap_size

/**
 * Everything that nobody reaches, code that was run once among it, and its pages back to the system. V8 has a function
 * for it, `gc`, in contexts that are made while `--expose-gc` is set (`flavor`: `src/extensions/gc-extension.cc`).
 */
function collectAll(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: string; execution: string; flavor: string }) => void
  setFlagsFromString('--no-expose-gc')
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}
