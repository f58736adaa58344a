/** When instances were away: a pure step over what the supervisor says of them. */
import type { Outage, Process } from '../../protocol.ts'

export interface Seen extends Process {
  readonly lastExit?: { readonly code: number | null; readonly signal: string | null }
}

/** What an instance's change of state means for the list of outages: one that begins, one that ends, or none. */
export function outageOf(
  before: Seen | undefined,
  after: Seen,
  open: Outage | undefined,
  at: string,
): Outage | undefined {
  if (open !== undefined) {
    if (after.status === 'ready') return { ...open, until: at }
    // It was asked to stop, and then died of impatience; or a pause ended in a kill. The first word counts, but a
    // restart that turns out to be a death says so.
    const cause = open.cause === 'unready' || open.cause === 'paused' ? causeOf(after) : open.cause
    return cause !== undefined && cause !== open.cause ? { ...open, cause } : undefined
  }
  if (before?.status !== 'ready') return undefined
  // Killed and started anew between two looks.
  const reborn = after.status === 'ready' && after.pid !== before.pid
  const common = { instance: after.name, service: after.service, from: at }
  if (reborn) return { ...common, cause: causeOf(after) ?? 'restarted', until: at }
  if (after.status === 'ready') return undefined
  return { ...common, cause: causeOf(after) ?? 'restarted' }
}

function causeOf({ status, lastExit }: Seen): Outage['cause'] | undefined {
  switch (status) {
    case 'paused':
      return 'paused'
    case 'unready':
      return 'unready'
    case 'stopped':
    case 'stopping':
      return 'stopped'
    case 'backing-off':
      return lastExit?.signal === 'SIGKILL' ? 'killed' : 'died'
    case 'launching':
    case 'starting':
    case 'ready':
      return lastExit === undefined ? undefined : lastExit.signal === 'SIGKILL' ? 'killed' : undefined
  }
}
