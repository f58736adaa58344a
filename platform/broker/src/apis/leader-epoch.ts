/** One node leads every partition for ever, in epoch 0 (KIP-320). */
import { errorCode } from '../protocol/error-codes.ts'

/** Judges the epoch that a client believes to be current; -1 when it doesn't say. */
export function faultOfLeaderEpoch(currentLeaderEpoch: number): number {
  return currentLeaderEpoch > 0 ? errorCode.UNKNOWN_LEADER_EPOCH : errorCode.NONE
}
