/**
 * The supervisor, by its control socket: which processes there are, as they change, and what is to be done with them.
 * The socket is open to its owner alone; this server is what makes it reachable from a page, so who may ask is decided
 * in guard.ts.
 */
import type { IncomingMessage } from 'node:http'
import { Problem } from '@svyaz/stage'
import { type Action, type Away, keep, type Outage, type Process } from '../../protocol.ts'
import { limits } from './limits.ts'
import { awayOf, outageOf, type Seen } from './outages.ts'
import { ask, keepAtIt, linesOf, open } from './requests.ts'

export interface SupervisorEvents {
  process(process: Process): void
  removed(name: string): void
  outage(outage: Outage): void
  away(away: Away): void
  supervised(supervised: boolean): void
}

export interface Supervisor {
  readonly supervised: boolean
  processes(): Process[]
  /** Of single instances. */
  outages(): readonly Outage[]
  /** Of whole services. */
  aways(): readonly Away[]
  /** @throws Problem 404, 409 with the supervisor's sentence; 503 when none runs */
  act(action: Action, target: string): Promise<void>
  scale(service: string, count: number): Promise<void>
  /** Megabytes by instance; empty where the kernel won't say. */
  memory(): Promise<Record<string, number>>
  /** Newline-delimited `{instance, line}`. */
  logs(target: string, lines: number, follow: boolean, signal: AbortSignal): Promise<IncomingMessage>
  /** Follows the supervisor until the signal aborts, coming back when it does. */
  run(signal: AbortSignal, failed: (error: unknown) => void): Promise<void>
}

type Said =
  | { readonly type: 'instance'; readonly at: string; readonly instance: Seen & Record<string, unknown> }
  | { readonly type: 'removed'; readonly at: string; readonly name: string }
  | { readonly type: 'note' | 'stopping' }

/**
 * What the supervisor knows, followed over its control socket.
 * @param socketPath undefined where nothing supervises
 */
export function createSupervisor(socketPath: string | undefined, events: SupervisorEvents): Supervisor {
  const seen = new Map<string, Seen>()
  const outages: Outage[] = []
  const aways: Away[] = []
  let supervised = false

  const say = (now: boolean) => {
    if (supervised === now) return
    supervised = now
    events.supervised(now)
  }

  function take(said: Said): void {
    if (said.type === 'removed') return remove(said.name, said.at)
    if (said.type !== 'instance') return
    const { instance, at } = said
    const all = instancesOf(instance.service)
    const before = seen.get(instance.name)
    seen.set(instance.name, instance)
    events.process(processOf(instance))
    const open = lastsOf(instance.name)
    const outage = outageOf(before, instance, open, at)
    if (outage !== undefined) tellOutage(open, outage)
    lookAtService(instance.service, all, at)
  }

  /** It was taken away on purpose: what it was is over, and the others are the service now. */
  function remove(name: string, at: string): void {
    const service = seen.get(name)?.service
    const all = service === undefined ? [] : instancesOf(service)
    seen.delete(name)
    events.removed(name)
    const open = lastsOf(name)
    if (open !== undefined) tellOutage(open, { ...open, until: at })
    if (service !== undefined) lookAtService(service, all, at)
  }

  const instancesOf = (service: string): Seen[] => [...seen.values()].filter((one) => one.service === service)
  const lastsOf = (name: string): Outage | undefined =>
    outages.findLast((outage) => outage.instance === name && outage.until === undefined)

  function tellOutage(open: Outage | undefined, outage: Outage): void {
    replace(outages, open, outage)
    events.outage(outage)
  }

  function lookAtService(service: string, before: readonly Seen[], at: string): void {
    const open = aways.findLast((away) => away.service === service && away.until === undefined)
    const away = awayOf({ before, after: instancesOf(service) }, outages, open, at)
    if (away === undefined) return
    replace(aways, open, away)
    events.away(away)
  }

  async function command(path: string): Promise<void> {
    if (socketPath === undefined)
      throw new Problem(503, 'no_supervisor', 'this console was started without a supervisor')
    // A restart waits until it is ready: longer than other calls.
    const answer = await ask({ socketPath }, { method: 'POST', path, timeoutMs: 60_000 }).catch(() => {
      throw new Problem(503, 'no_supervisor', 'the supervisor does not answer')
    })
    if (answer.status !== 200) throw new Problem(409, 'refused', (JSON.parse(answer.text) as { error: string }).error)
  }

  return {
    get supervised() {
      return supervised
    },
    processes: () => [...seen.values()].map(processOf),
    outages: () => outages,
    aways: () => aways,
    act: (action, target) => command(`/instances/${encodeURIComponent(target)}/${action}`),
    scale: (service, count) => command(`/services/${encodeURIComponent(service)}/scale/${count}`),
    async memory() {
      if (socketPath === undefined) return {}
      const { status, text } = await ask({ socketPath }, { path: '/memory' })
      return status === 200 ? (JSON.parse(text) as { memoryMb: Record<string, number> }).memoryMb : {}
    },
    async logs(target, lines, follow, signal) {
      if (socketPath === undefined) throw new Problem(503, 'no_supervisor', 'there is no supervisor to ask for logs')
      const response = await open(
        { socketPath },
        { path: `/logs/${encodeURIComponent(target)}?lines=${lines}${follow ? '&follow=1' : ''}`, signal },
      )
      if (response.statusCode === 200) return response
      response.resume()
      throw new Problem(404, 'not_found', `there is no "${target}"`)
    },
    async run(signal, failed) {
      if (socketPath === undefined) return
      await keepAtIt(
        async (succeeded) => {
          const response = await open({ socketPath }, { path: '/events', signal })
          try {
            for await (const line of linesOf(response, limits.answerBytesMax)) {
              succeeded()
              say(true)
              take(JSON.parse(line) as Said)
            }
          } finally {
            response.destroy()
            say(false)
          }
        },
        signal,
        failed,
      )
    },
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
const processOf = ({
  name,
  service,
  kind,
  status,
  pid,
  ports,
  restarts,
  startedAt,
  memoryBudgetMb,
  scalable,
}: Seen): Process => ({
  name,
  service,
  kind,
  status,
  ...(pid === undefined ? {} : { pid }),
  ports,
  restarts,
  ...(startedAt === undefined ? {} : { startedAt }),
  memoryBudgetMb,
  scalable,
})
