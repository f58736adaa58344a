/** Scales services by themselves, as autoscale.ts decides: looks once a second, one change at a time. */
import { decideScale, type ScaleBounds, type ScaleState, unscaled } from './autoscale.ts'
import { cpuMsOf } from './process-table.ts'
import type { InstanceView } from './supervisor.ts'

/** What it needs of the supervisor. */
export interface Scalable {
  views(): readonly InstanceView[]
  scale(service: string, count: number, signal?: AbortSignal): Promise<unknown>
  /** Says what was done, and why, to whoever follows. */
  note(text: string): void
}

export interface AutoscalerParts {
  /** Monotonic ms. */
  now(): number
  /** Processor time that a process has taken so far, in ms. */
  cpuMs(pid: number): number
  everyMs: number
}

const ofThisMachine: AutoscalerParts = {
  now: () => performance.now(),
  cpuMs: cpuMsOf,
  everyMs: 1_000,
}

interface Scaled {
  readonly bounds: ScaleBounds
  state: ScaleState
  /** By pid: processor time at the last look. */
  taken: Map<number, number>
  lookedAt: number | undefined
}

export class Autoscaler implements Disposable {
  readonly #supervisor: Scalable
  readonly #parts: AutoscalerParts
  readonly #services = new Map<string, Scaled>()
  readonly #closing = new AbortController()
  #timer: NodeJS.Timeout | undefined
  #looking = false

  constructor(supervisor: Scalable, parts: Partial<AutoscalerParts> = {}) {
    this.#supervisor = supervisor
    this.#parts = { ...ofThisMachine, ...parts }
  }

  /** From now on this service is scaled by its load. */
  follow(service: string, bounds: ScaleBounds): void {
    this.#services.set(service, { bounds, state: unscaled, taken: new Map(), lookedAt: undefined })
    this.#timer ??= setInterval(() => void this.look(), this.#parts.everyMs)
    this.#timer.unref()
  }

  /** Whoever names a number of instances means that number. */
  leave(service: string): void {
    this.#services.delete(service)
    if (this.#services.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  /** Looks at each service, and does what is decided; resolves when it is done. */
  async look(): Promise<void> {
    if (this.#looking) return
    this.#looking = true
    try {
      for (const [service, scaled] of this.#services) await this.#lookAt(service, scaled)
    } finally {
      this.#looking = false
    }
  }

  [Symbol.dispose](): void {
    this.#closing.abort()
    clearInterval(this.#timer)
  }

  async #lookAt(service: string, scaled: Scaled): Promise<void> {
    const views = this.#supervisor.views().filter((view) => view.service === service)
    const busy = this.#busy(scaled, views)
    if (busy === undefined) return
    const ready = views.filter(({ status }) => status === 'ready').length
    const sight = { instances: views.length, ready, busy }
    const { state, wanted } = decideScale(scaled.state, sight, this.#parts.now(), scaled.bounds)
    scaled.state = state
    if (wanted === views.length) return
    this.#supervisor.note(
      `${service}: ${views.length} → ${wanted} instances, each took ${Math.round(busy * 100)} % of a core`,
    )
    // A system that is being stopped, or a start that fails, is told by the instance itself.
    await this.#supervisor.scale(service, wanted, this.#closing.signal).catch(() => undefined)
  }

  /** Undefined at the first look: shares are between two. */
  #busy(scaled: Scaled, views: readonly InstanceView[]): number | undefined {
    const now = this.#parts.now()
    const before = scaled.taken
    const elapsedMs = scaled.lookedAt === undefined ? 0 : now - scaled.lookedAt
    const pids = views.flatMap(({ pid }) => (pid === undefined ? [] : [pid]))
    scaled.taken = new Map(pids.map((pid) => [pid, this.#parts.cpuMs(pid)]))
    scaled.lookedAt = now
    if (elapsedMs <= 0) return undefined
    // One that wasn't there yet has no share; it isn't ready either, or was only just.
    const known = [...scaled.taken].filter(([pid]) => before.has(pid))
    const tookMs = known.reduce((sum, [pid, cpuMs]) => sum + Math.max(0, cpuMs - before.get(pid)!), 0)
    return known.length === 0 ? 0 : tookMs / elapsedMs / known.length
  }
}
