/**
 * Open loop: calls leave when they are due, whether or not earlier ones were answered, and each is timed from when it
 * was due. A server that stalls is charged for every call that waited, not for one.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { nowNs } from './shape.ts'

export interface Load {
  readonly perSecond: number
  readonly seconds: number
}

export interface Outcome {
  /** Nanoseconds from due to answered, one a call that succeeded. */
  readonly latencies: readonly number[]
  readonly failed: number
}

/** When call `index` is due, ns after the start. Pure. */
export const dueAfterNs = (index: number, perSecond: number): bigint => BigInt(Math.round((index * 1e9) / perSecond))

/**
 * Calls when each is due, whether or not the one before was answered.
 * @param call is given when it was due, ns on the monotonic clock; what it rejects with counts as failed
 */
export async function openLoop(call: (dueNs: bigint) => Promise<void>, { perSecond, seconds }: Load): Promise<Outcome> {
  const total = Math.round(perSecond * seconds)
  const latencies: number[] = []
  let failed = 0
  const pending: Promise<void>[] = []
  const startNs = nowNs()
  for (let index = 0; index < total; ) {
    for (; index < total && startNs + dueAfterNs(index, perSecond) <= nowNs(); index++) {
      const due = startNs + dueAfterNs(index, perSecond)
      pending.push(
        call(due).then(
          () => void latencies.push(Number(nowNs() - due)),
          () => {
            failed += 1
          },
        ),
      )
    }
    await delay(1)
  }
  await Promise.all(pending)
  return { latencies, failed }
}
