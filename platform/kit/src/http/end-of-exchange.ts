/** How an exchange ended, in one word and one level: for the log lines of the gateway, of HTTP and of gRPC. Pure. */
import type { Failure } from '../failure.ts'

export interface EndOfExchange {
  readonly how: 'answered' | 'refused' | 'failed' | 'broke'
  readonly level: 'info' | 'warn' | 'error'
}

/** The status that the log and the metrics show when the caller left before the answer (nginx's number). */
export const callerLeft = 499

/**
 * Refused is what the caller did wrong, failed what we or those behind us did, broken what nobody foresaw. Who has no
 * right is worth a warning.
 *
 * @param status of HTTP; for gRPC that of the failure's code
 */
export function endOfExchange(status: number, failure: Failure | undefined): EndOfExchange {
  if (failure === undefined || status < 400) return { how: 'answered', level: 'info' }
  if (failure.code === 'internal') return { how: 'broke', level: 'error' }
  if (status >= 500) return { how: 'failed', level: 'warn' }
  if (status === callerLeft) return { how: 'failed', level: 'info' }
  return { how: 'refused', level: status === 401 || status === 403 ? 'warn' : 'info' }
}
