/** When instances were away: a pure step over what the supervisor says of them. */
import type { Away, Outage, Process } from '../../protocol.ts'

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
  // Killed and restarted between two looks.
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

/**
 * What a change among a service's instances means for the service: away only while no instance is ready. Gives the
 * stretch that begins, changes or ends, or undefined.
 *
 * @param before its instances before the change, `after` behind it
 * @param outages of single instances, the newest last
 * @param open the service's stretch that lasts, if any
 */
export function awayOf(
  { before, after }: { readonly before: readonly Seen[]; readonly after: readonly Seen[] },
  outages: readonly Outage[],
  open: Away | undefined,
  at: string,
): Away | undefined {
  const service = (after[0] ?? before[0])?.service ?? ''
  const ready = after.filter(({ status }) => status === 'ready')
  if (open !== undefined) {
    if (ready.length > 0) return { ...open, until: at }
    const now = lasting(outages, service, after)
    const instances = [...new Set([...open.instances, ...now.map(({ instance }) => instance)])]
    const cause = worstOf(now) ?? open.cause
    return cause === open.cause && instances.length === open.instances.length
      ? undefined
      : { ...open, cause, instances }
  }
  const were = before.filter(({ status }) => status === 'ready')
  if (were.length === 0) return undefined
  if (ready.length === 0) {
    const now = lasting(outages, service, after)
    const instances = now.length > 0 ? now.map(({ instance }) => instance) : were.map(({ name }) => name)
    return { service, instances, cause: worstOf(now) ?? 'stopped', from: at }
  }
  // The only one was replaced between two looks.
  const [one] = ready
  const reborn = were.length === 1 && ready.length === 1 && one?.name === were[0]?.name && one?.pid !== were[0]?.pid
  if (!reborn || one === undefined) return undefined
  const cause = outages.findLast(({ instance }) => instance === one.name)?.cause ?? 'restarted'
  return { service, instances: [one.name], cause, from: at, until: at }
}

/** Outages of the service's present instances that last. */
const lasting = (outages: readonly Outage[], service: string, instances: readonly Seen[]): Outage[] =>
  outages.filter(
    (outage) =>
      outage.service === service &&
      outage.until === undefined &&
      instances.some(({ name }) => name === outage.instance),
  )

const worstOf = (outages: readonly Outage[]): Outage['cause'] | undefined =>
  outages.some(({ cause }) => cause === 'killed') ? 'killed' : outages.at(-1)?.cause
