/** One order as pages see it: followed until it is final, its story and its trace read while somebody looks at it. */
import { isFinal } from '@svyaz/contracts/http/order-terms.ts'
import type { Log } from '@svyaz/stage'
import type { OrderView, Owner, Story, Trace, TrackedOrder } from '../../protocol.ts'
import { limits } from './limits.ts'
import { lookDelayMs, nextLook, nextTraceRound, traceWaitMs } from './next-look.ts'
import { traceOf } from './order-trace.ts'
import { type Answer, type Asked, keepAtIt, Unreachable } from './requests.ts'

/** Somebody who asks the gateway: one of the two people, or the reader. */
export interface Asker {
  readonly requestsLeft: number
  ask(asked: Asked): Promise<Answer>
  follow(path: string, signal: AbortSignal): AsyncGenerator<unknown>
}

export interface FollowedOrderOptions {
  readonly user: Owner
  readonly asker: Asker
  /** http://host:port */
  readonly telemetry: string | undefined
  readonly log: Log
  /** Whether somebody looks at the order: then its story and its trace are wanted, else its status is enough. */
  watched(orderId: string): boolean
  changed(order: TrackedOrder): void
  /** Its story has a new step, which may have taken stock or put it back. */
  stepped(): void
  /** There is no such order any more. */
  gone(orderId: string): void
}

export class FollowedOrder {
  readonly id: string
  readonly #options: FollowedOrderOptions
  readonly #stop = new AbortController()
  #order: OrderView
  #story: Story | undefined
  #trace: Trace | undefined
  /** Something was heard of it while nobody looked. */
  #stale = true
  #followed = false
  #reading = false
  #heardMeanwhile = false
  /** The late look was taken. */
  #settled = false
  #storyTimer: NodeJS.Timeout | undefined
  #traceTimer: NodeJS.Timeout | undefined

  constructor(order: OrderView, options: FollowedOrderOptions) {
    this.id = order.id
    this.#order = order
    this.#options = options
  }

  get user(): Owner {
    return this.#options.user
  }

  view(): TrackedOrder {
    return {
      user: this.user,
      order: this.#order,
      ...(this.#story === undefined ? {} : { story: this.#story }),
      ...(this.#trace === undefined || !this.#watched ? {} : { trace: this.#trace }),
    }
  }

  /** Begins to follow it, having told what it is now. */
  begin(): void {
    this.#say()
    this.#follow()
  }

  /** Somebody looks at it from now on. */
  show(): void {
    if (this.#trace !== undefined) this.#say()
    if (this.#stale || this.#story === undefined) this.look()
    this.#lookAtTrace()
  }

  /** Something was heard of it: reads the story soon; sooner while the gateway's limit is far. */
  look(): void {
    this.#settled = false
    this.#lookIn(0)
  }

  /** Ends everything that goes on for it. */
  forget(): void {
    clearTimeout(this.#storyTimer)
    clearTimeout(this.#traceTimer)
    this.#stop.abort(new Error('forgotten'))
  }

  get #watched(): boolean {
    return this.#options.watched(this.id)
  }

  #say(): void {
    this.#options.changed(this.view())
  }

  #lookIn(delayMs: number): void {
    if (this.#stop.signal.aborted) return
    if (!this.#watched) this.#stale = true
    else if (this.#reading) this.#heardMeanwhile = true
    else {
      clearTimeout(this.#storyTimer)
      const waitMs = Math.max(lookDelayMs(this.#options.asker.requestsLeft), delayMs)
      this.#storyTimer = setTimeout(() => void this.#readStory(), waitMs)
    }
  }

  async #readStory(): Promise<void> {
    this.#reading = true
    this.#heardMeanwhile = false
    const answered = await this.#askForStory()
    this.#reading = false
    // What is away comes back; the order still wants to be looked at.
    if (answered) this.#lookAgain()
    else this.#lookIn(limits.storyDebounceSlowMs)
  }

  /** False when nobody could say. */
  async #askForStory(): Promise<boolean> {
    const { asker, log } = this.#options
    const { signal } = this.#stop
    try {
      const { status, text } = await asker.ask({ path: `/orders/${this.id}/story`, signal })
      if (status === 200) this.#take(JSON.parse(text) as Story)
      else if (status === 404) this.#options.gone(this.id)
      else return false
      return true
    } catch (error) {
      if (!signal.aborted) log('warn', 'a story could not be read', { orderId: this.id, error: String(error) })
      return false
    }
  }

  #take(story: Story): void {
    const changed = this.#story?.steps.length !== story.steps.length || this.#story.status !== story.status
    this.#story = story
    this.#stale = false
    this.#order = { ...this.#order, status: story.status }
    if (!changed) return
    this.#say()
    this.#lookAtTrace()
    this.#options.stepped()
  }

  #lookAgain(): void {
    const looked = { status: this.#order.status, heardMeanwhile: this.#heardMeanwhile, settled: this.#settled }
    const next = nextLook(looked)
    if (next === 'soon') this.look()
    if (next !== 'late') return
    this.#settled = true
    this.#lookIn(limits.storySettleMs)
  }

  #lookAtTrace(round = 0): void {
    const { telemetry } = this.#options
    if (telemetry === undefined || !this.#watched || this.#stop.signal.aborted) return
    clearTimeout(this.#traceTimer)
    const waitMs = traceWaitMs(round)
    if (waitMs === undefined) return
    this.#traceTimer = setTimeout(() => {
      void this.#readTrace(telemetry).then((grew) => this.#lookAtTrace(nextTraceRound(round, grew)))
    }, waitMs)
  }

  async #readTrace(telemetry: string): Promise<boolean> {
    const trace = await traceOf(telemetry, this.#story, this.#stop.signal)
    if (trace === undefined || trace.spans <= (this.#trace?.spans ?? 0)) return false
    this.#trace = trace
    this.#say()
    return true
  }

  /** Until the order is final: each change as orders streams it. */
  #follow(): void {
    if (this.#followed || isFinal(this.#order.status)) return
    this.#followed = true
    const final = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, final.signal])
    void keepAtIt(
      async (succeeded) => {
        for await (const order of this.#options.asker.follow(`/orders/${this.id}/follow`, signal)) {
          succeeded()
          this.#hear(order as OrderView)
        }
        if (isFinal(this.#order.status)) final.abort()
      },
      signal,
      (error) => this.#followFailed(error),
      limits.followRetryMsMax,
    )
  }

  #hear(order: OrderView): void {
    this.#order = { ...this.#order, ...order }
    // The story will say it, when somebody looks.
    if (!this.#watched) this.#say()
    this.look()
  }

  #followFailed(error: unknown): void {
    // Its database was emptied.
    if (error instanceof Unreachable && error.status === 404) return this.#options.gone(this.id)
    this.#options.log('warn', 'an order can not be followed', { orderId: this.id, error: String(error) })
  }
}
