/** Which processes are killed, for as long as a soak lasts: all in turn, each round in an order of its own. */
import { type Fault, faultGroups } from '../nemesis.ts'
import type { Random } from '../random.ts'

/** @param count how many kills; the last round may be cut short */
export function killsInTurn(random: Random, count: number): Fault[] {
  const kills: Fault[] = []
  while (kills.length < count) kills.push(...random.shuffled(faultGroups.kills))
  return kills.slice(0, count)
}
