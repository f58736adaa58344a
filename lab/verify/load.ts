/** Load on a running system, and what is seen of it meanwhile. Both end as soon as the proof is to end. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Look } from '@svyaz/metrics'
import type { Outside } from './outside.ts'

const lookEveryMs = 2_000

/** Lasts so long, or until the signal aborts. */
export const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined)

/**
 * Sends what is due when it is due, whether or not the last was answered, and waits for the answers.
 * @param ending nothing is sent any more once it aborts
 * @param send is told the how manieth it is, from 0
 * @returns what came of each that was sent
 */
export async function openLoop<T>(
  { perSecond, total }: { readonly perSecond: number; readonly total: number },
  ending: AbortSignal,
  send: (n: number) => Promise<T>,
): Promise<T[]> {
  const startedAt = performance.now()
  const sent: Promise<T>[] = []
  for (let n = 0; n < total; n++) {
    const dueInMs = (n * 1_000) / perSecond - (performance.now() - startedAt)
    if (dueInMs > 0) await pause(dueInMs, ending)
    if (ending.aborted) break
    const one = send(n)
    // It may fail before anybody waits for it.
    one.catch(() => undefined)
    sent.push(one)
  }
  return Promise.all(sent)
}

/**
 * Looks at every instance while a load goes on, and once at both ends.
 * @param load is given a signal that aborts when it must end
 * @param firstAfterMs when connections are open and code is compiled
 * @throws Stopped when the proof is to end; what the load throws
 */
export async function looksDuring(
  outside: Pick<Outside, 'goOn' | 'scrape' | 'stopping'>,
  load: (ending: AbortSignal) => Promise<unknown>,
  firstAfterMs = 0,
): Promise<readonly Look[]> {
  const over = new AbortController()
  const ending = AbortSignal.any([outside.stopping, over.signal])
  let isOver = false
  const ended = load(ending).finally(() => {
    isOver = true
  })
  const wait = (ms: number) => Promise.race([pause(ms, ending), ended])
  try {
    await wait(firstAfterMs)
    const seen: Look[] = []
    while (!isOver) {
      outside.goOn()
      seen.push(await outside.scrape())
      await wait(lookEveryMs)
    }
    await ended
    outside.goOn()
    return [...seen, await outside.scrape()]
  } finally {
    over.abort()
    await ended.catch(() => undefined)
  }
}
