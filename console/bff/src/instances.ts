/** What the supervisor has said so far: the instances as they are, and when they and their services were away. */
import { type Away, keep, type Outage, type Process } from '../../protocol.ts'
import { awayOf, outageOf, type Seen } from './outages.ts'

/** A line of the supervisor's event stream. */
export type Said =
  | { readonly type: 'instance'; readonly at: string; readonly instance: Seen & Record<string, unknown> }
  | { readonly type: 'removed'; readonly at: string; readonly name: string }
  | { readonly type: 'note' | 'stopping' }

export interface InstanceEvents {
  process(process: Process): void
  removed(name: string): void
  outage(outage: Outage): void
  away(away: Away): void
}

/** Keeps the instances and their outages; tells each change. The decisions are in outages.ts. */
export class Instances {
  readonly #events: InstanceEvents
  readonly #seen = new Map<string, Seen>()
  readonly #outages: Outage[] = []
  readonly #aways: Away[] = []

  constructor(events: InstanceEvents) {
    this.#events = events
  }

  processes(): Process[] {
    return [...this.#seen.values()].map(processOf)
  }

  /** Of single instances. */
  get outages(): readonly Outage[] {
    return this.#outages
  }

  /** Of whole services. */
  get aways(): readonly Away[] {
    return this.#aways
  }

  take(said: Said): void {
    if (said.type === 'instance') this.#change(said.instance, said.at)
    else if (said.type === 'removed') this.#remove(said.name, said.at)
  }

  #change(instance: Seen, at: string): void {
    const all = this.#of(instance.service)
    const before = this.#seen.get(instance.name)
    this.#seen.set(instance.name, instance)
    this.#events.process(processOf(instance))
    const open = this.#openOutage(instance.name)
    const outage = outageOf(before, instance, open, at)
    if (outage !== undefined) this.#keepOutage(open, outage)
    this.#lookAtService(instance.service, all, at)
  }

  /** It was taken away on purpose: what it was is over, and the others are the service now. */
  #remove(name: string, at: string): void {
    const service = this.#seen.get(name)?.service
    const all = service === undefined ? [] : this.#of(service)
    this.#seen.delete(name)
    this.#events.removed(name)
    const open = this.#openOutage(name)
    if (open !== undefined) this.#keepOutage(open, { ...open, until: at })
    if (service !== undefined) this.#lookAtService(service, all, at)
  }

  #of(service: string): Seen[] {
    return [...this.#seen.values()].filter((one) => one.service === service)
  }

  #openOutage(name: string): Outage | undefined {
    return this.#outages.findLast((outage) => outage.instance === name && outage.until === undefined)
  }

  #keepOutage(open: Outage | undefined, outage: Outage): void {
    replace(this.#outages, open, outage)
    this.#events.outage(outage)
  }

  #lookAtService(service: string, before: readonly Seen[], at: string): void {
    const open = this.#aways.findLast((away) => away.service === service && away.until === undefined)
    const away = awayOf({ before, after: this.#of(service) }, this.#outages, open, at)
    if (away === undefined) return
    replace(this.#aways, open, away)
    this.#events.away(away)
  }
}

/** Puts `now` in the place of `old`, or at the end; the list stays bounded. */
function replace<T>(list: T[], old: T | undefined, now: T): void {
  const index = old === undefined ? -1 : list.indexOf(old)
  if (index >= 0) list[index] = now
  else list.push(now)
  if (list.length > keep.outages) list.shift()
}

/** Only what the page may know: no paths of this machine. */
const processOf = (seen: Seen): Process => ({
  name: seen.name,
  service: seen.service,
  kind: seen.kind,
  status: seen.status,
  ...(seen.pid === undefined ? {} : { pid: seen.pid }),
  ports: seen.ports,
  restarts: seen.restarts,
  ...(seen.startedAt === undefined ? {} : { startedAt: seen.startedAt }),
  memoryBudgetMb: seen.memoryBudgetMb,
  scalable: seen.scalable,
})
