/** How much comes when: journeys a second, by phase. Bounded, so that a typing error can't load a machine for a day. */

export interface Phase {
  readonly seconds: number
  /** Journeys that begin in a second. */
  readonly perSecond: number
}

export interface Profile {
  readonly about: string
  /** @param rate what the command line says, or the default below */
  readonly phases: (rate: number, minutes: number) => readonly Phase[]
  readonly rate: number
  readonly minutes: number
}

export const perSecondMax = 500
export const secondsMax = 4 * 3_600
export const journeysMax = 500_000

const steady = (rate: number, minutes: number): Phase[] => [{ seconds: minutes * 60, perSecond: rate }]

export const profiles = {
  smoke: { about: 'a little, for half a minute: does everything work?', phases: steady, rate: 2, minutes: 0.5 },
  levels: { about: 'a steady load that the service levels are judged by', phases: steady, rate: 20, minutes: 2 },
  stress: {
    about: 'more every twenty seconds, to eight times the rate: how much is carried?',
    phases: (rate) => [1, 2, 3, 4, 6, 8].map((times) => ({ seconds: 20, perSecond: rate * times })),
    rate: 10,
    minutes: 2,
  },
  soak: { about: 'a modest load for long: does anything grow?', phases: steady, rate: 5, minutes: 30 },
  spike: {
    about: 'little, ten times as much for ten seconds, little again: does it recover?',
    phases: (rate) => [
      { seconds: 30, perSecond: rate },
      { seconds: 10, perSecond: rate * 10 },
      { seconds: 40, perSecond: rate },
    ],
    rate: 5,
    minutes: 2,
  },
} as const satisfies Record<string, Profile>

export type ProfileName = keyof typeof profiles

/** @returns why these phases are refused, or undefined */
export function beyond(phases: readonly Phase[]): string | undefined {
  const seconds = phases.reduce((sum, phase) => sum + phase.seconds, 0)
  const journeys = phases.reduce((sum, phase) => sum + phase.seconds * phase.perSecond, 0)
  const most = Math.max(...phases.map(({ perSecond }) => perSecond))
  if (most > perSecondMax) return `${most} journeys a second; at most ${perSecondMax}`
  if (seconds > secondsMax) return `${seconds} s; at most ${secondsMax}`
  return journeys > journeysMax ? `${journeys} journeys; at most ${journeysMax}` : undefined
}
