/** How many calls each protocol makes in a race, and what is made of their times. Pure. */
import { type RaceLane, type RaceQuestion, raceLanes } from '../../race.ts'
import { limits } from './limits.ts'

/** What carries a token in every call, which the gateway counts; a WebSocket shows it once. */
const counted: Readonly<Record<RaceQuestion, readonly RaceLane[]>> = {
  order: ['rest-1', 'rest-1-tls', 'rest-2', 'grpc-web', 'grpc', 'graphql'],
  // The catalogue is for anyone, but for gRPC, which is for users.
  product: ['grpc-web', 'grpc'],
}

/** Whether a lane's calls carry the token. */
export const needsToken = (question: RaceQuestion, lane: RaceLane): boolean =>
  lane === 'socket' || counted[question].includes(lane)

/**
 * Calls of each lane, so that all of them together leave their user some requests.
 * @param asked calls of each, as a page wants them
 * @param left requests that the gateway still allows the user
 */
export function planOf(
  question: RaceQuestion,
  asked: number,
  left: number,
  away: ReadonlySet<RaceLane>,
): Record<RaceLane, number> {
  const most = Math.max(1, Math.min(limits.raceRunsMax, Math.floor(asked)))
  const sharing = counted[question].filter((lane) => !away.has(lane)).length
  const share = Math.floor(Math.max(0, left - limits.raceRequestsKeptBack) / Math.max(1, sharing))
  const runs = (lane: RaceLane) => {
    if (away.has(lane)) return 0
    return counted[question].includes(lane) ? Math.min(most, share) : most
  }
  return Object.fromEntries(raceLanes.map((lane) => [lane, runs(lane)])) as Record<RaceLane, number>
}

/** The value below which a share of the others is, by nearest rank; NaN of none. @param share from 0 to 1 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}
