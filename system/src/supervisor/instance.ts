/** One instance: carries out what lifecycle.ts decides, with a real process, real timers and real probes. */
import type { TopologyProcess } from '../../topology.ts'
import type { Running } from './launch.ts'
import { type InstanceEvent, type InstanceState, initialState, type LifecycleRules, step } from './lifecycle.ts'
import type { Probed } from './probe.ts'

export interface InstanceParts {
  readonly name: string
  readonly process: TopologyProcess
  readonly index: number
  readonly rules: LifecycleRules
  /** Starts the process. Rejects with a sentence when it can't be. */
  launch(instance: Instance): Promise<Running>
  probe(): Promise<Probed>
  /** What the process wrote on standard error last, when it has ended by itself. */
  lastWords(): string | undefined
  /** Called after each change of state. */
  changed(instance: Instance): void
  launchFailed(instance: Instance, error: unknown): void
  /** Monotonic milliseconds. */
  now(): number
}

/** How often an instance is asked whether it is ready, by its state. */
const probePauseMs = { starting: 30, ready: 4_000, unready: 200 } as const

export class Instance {
  readonly parts: InstanceParts
  #state: InstanceState
  #running: Running | undefined
  #startedAt: Date | undefined
  #reason: string | undefined
  #wake: NodeJS.Timeout | undefined
  #probe: NodeJS.Timeout | undefined
  readonly #waiting = new Set<() => void>()

  constructor(parts: InstanceParts) {
    this.parts = parts
    this.#state = initialState(parts.now())
  }

  get state(): InstanceState {
    return this.#state
  }

  /** When the present process was started. */
  get startedAt(): Date | undefined {
    return this.#running ? this.#startedAt : undefined
  }

  /** Why it is in this state, in a line for people, if it says so: on its health page, or with its last words. */
  get reason(): string | undefined {
    const { status, failures } = this.#state
    if (status === 'ready' || status === 'unready') return this.#reason
    if (status === 'starting' && this.#reason !== undefined) return this.#reason
    return failures > 0 && status !== 'stopped' ? this.parts.lastWords() : undefined
  }

  get pid(): number | undefined {
    return this.#running?.pid
  }

  /** Feeds the state machine and carries out its effects. */
  apply(event: InstanceEvent): void {
    const before = this.#state
    const { state, effects } = step(before, event, this.parts.now(), this.parts.rules)
    this.#state = state
    // A deadline belongs to the state that set it, and would keep the process alive.
    if (state.status !== before.status) clearTimeout(this.#wake)
    for (const effect of effects) {
      if (effect.type === 'launch') void this.#launch()
      else if (effect.type === 'signal') this.#running?.signal(effect.signal)
      else this.#wakeAt(effect.atMs)
    }
    if (state.status !== before.status) this.#scheduleProbe()
    if (state !== before) {
      this.parts.changed(this)
      for (const check of this.#waiting) check()
    }
  }

  /**
   * Waits until the state satisfies a condition.
   *
   * @throws AbortError of the signal.
   */
  until(condition: (state: InstanceState) => boolean, signal?: AbortSignal): Promise<InstanceState> {
    return new Promise((resolve, reject) => {
      const check = () => {
        if (!condition(this.#state)) return
        settle()
        resolve(this.#state)
      }
      const abort = () => {
        settle()
        reject(signal?.reason)
      }
      const settle = () => {
        this.#waiting.delete(check)
        signal?.removeEventListener('abort', abort)
      }
      if (signal?.aborted) return abort()
      signal?.addEventListener('abort', abort)
      this.#waiting.add(check)
      check()
    })
  }

  /** SIGKILL without ceremony, for a supervisor that must end at once. */
  killNow(): void {
    this.#running?.signal('SIGKILL')
  }

  async #launch(): Promise<void> {
    let running: Running
    try {
      running = await this.parts.launch(this)
    } catch (error) {
      this.parts.launchFailed(this, error)
      this.apply({ type: 'launch-failed' })
      return
    }
    this.#running = running
    this.#reason = undefined
    this.#startedAt = new Date()
    void running.exited.then((exit) => {
      this.#running = undefined
      this.apply({ type: 'exited', exit })
    })
    this.apply({ type: 'launched', pid: running.pid })
  }

  #wakeAt(atMs: number): void {
    clearTimeout(this.#wake)
    const leftMs = atMs - this.parts.now()
    this.#wake = setTimeout(
      () => {
        // Node's timers may fire up to a millisecond early, and an early tick would be the last one.
        if (this.parts.now() < atMs) this.#wakeAt(atMs)
        else this.apply({ type: 'tick' })
      },
      Math.max(1, leftMs),
    )
  }

  #scheduleProbe(): void {
    clearTimeout(this.#probe)
    const { status } = this.#state
    if (status !== 'starting' && status !== 'ready' && status !== 'unready') return
    const running = this.#running
    this.#probe = setTimeout(async () => {
      const { ready, reason } = await this.parts.probe()
      if (this.#running !== running || this.#state.status !== status) return
      const told = this.#reason
      this.#reason = reason
      this.apply({ type: 'probed', ready })
      if (this.#state.status === status && reason !== told) this.parts.changed(this)
      if (this.#state.status === status) this.#scheduleProbe()
    }, probePauseMs[status])
    // Probing is never a reason to keep the supervisor's process alive.
    this.#probe.unref()
  }
}
