import { setTimeout as delay } from 'node:timers/promises'

const everyMs = 50

/** Looks until it is so; a look that throws counts as "not yet". False when it never was within the time. */
export async function pollUntil(withinMs: number, look: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + withinMs
  for (;;) {
    if (await look().catch(() => false)) return true
    if (performance.now() > deadline) return false
    await delay(everyMs)
  }
}
