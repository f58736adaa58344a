/** One try of one request at one instance: whom its answer goes to, how long it may take, and how it ended. */
import { Failure, Unreached } from '@svyaz/kit'
import type { Fields } from '../headers.ts'
import type { RequestBody } from '../request-body.ts'
import type { RequestHead } from './request-head.ts'

export interface UpstreamAnswer {
  /** The head came: write it to the client, or throw what it gets instead. */
  head(status: number, fields: Fields): void
  /** It is over, and whether that is to the instance's credit; `status` when it answered. Called once. */
  over(outcome: 'ok' | 'failed', status?: number): void
}

/** What takes the body of an answer: the client's response, or something that gathers it. */
export interface Receiver {
  /** Nobody takes any more of it: the rest of the answer isn't read. */
  readonly destroyed: boolean
  /** The bytes are the receiver's. False: the next ones wait for `drain`. */
  write(chunk: Buffer): boolean
  /** The body is whole. `last` belongs to the caller: what is kept of it has to be copied before this returns. */
  end(last?: Buffer): unknown
  destroy(): unknown
  once(event: 'drain', listener: () => void): unknown
}

export interface UpstreamBounds {
  /** For the head. */
  timeoutMs: number
  /** Aborts when the client went away, or with a Failure `deadline_exceeded` when the body takes too long. */
  signal: AbortSignal
}

/** Where a call is: it may be taken away from there. */
export interface Holder {
  letGo(call: Call): void
}

/** A fault of the request's own body: nothing that the instance did. */
export class BodyBroke extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.message)
    this.failure = failure
  }
}

export class Call {
  readonly method: string
  readonly head: RequestHead
  readonly body: RequestBody
  readonly receiver: Receiver
  /** Whoever has it now. */
  holder: Holder | undefined
  readonly #answer: UpstreamAnswer
  readonly #signal: AbortSignal
  readonly #outcome: { resolve(): void; reject(error: Failure): void }
  readonly #timer: NodeJS.Timeout
  readonly #onGone: () => void
  #headPassed = false
  #over = false
  #status = 0

  /** @param outcome resolved when the head was passed on, rejected when there was none */
  constructor(
    request: { method: string; head: RequestHead; body: RequestBody },
    receiver: Receiver,
    answer: UpstreamAnswer,
    { timeoutMs, signal }: UpstreamBounds,
    outcome: { resolve(): void; reject(error: Failure): void },
  ) {
    this.method = request.method
    this.head = request.head
    this.body = request.body
    this.receiver = receiver
    this.#answer = answer
    this.#signal = signal
    this.#outcome = outcome
    this.#timer = setTimeout(
      () => this.#stop(new Failure('deadline_exceeded', `no answer within ${Math.round(timeoutMs)} ms`)),
      timeoutMs,
    )
    this.#onGone = () => this.#stop(endOf(signal))
    signal.addEventListener('abort', this.#onGone, { once: true })
  }

  /** Whether its answer has begun to arrive. */
  get headPassed(): boolean {
    return this.#headPassed
  }

  begin(status: number, fields: Fields): void {
    clearTimeout(this.#timer)
    this.#status = status
    this.#answer.head(status, fields)
    this.#headPassed = true
    this.#outcome.resolve()
  }

  end(last: Buffer | undefined): void {
    this.receiver.end(last)
    this.#settle(this.#status >= 500 ? 'failed' : 'ok', this.#status)
  }

  /**
   * There is no answer, or not all of it.
   *
   * @param reached whether the instance may have taken something of the request
   */
  fail(error: unknown, reached: boolean): void {
    if (this.#over) return
    // The client leaving says nothing about the instance; an answer that doesn't end does.
    const left = this.#signal.aborted && endOf(this.#signal).code !== 'deadline_exceeded'
    this.#settle(left || isNoFaultOfTheInstance(error) ? 'ok' : 'failed')
    if (this.#headPassed) this.receiver.destroy()
    else this.#outcome.reject(failureOf(error, reached))
  }

  #stop(failure: Failure): void {
    this.holder?.letGo(this)
    this.fail(failure, true)
  }

  #settle(outcome: 'ok' | 'failed', status?: number): void {
    if (this.#over) return
    this.#over = true
    this.holder = undefined
    clearTimeout(this.#timer)
    this.#signal.removeEventListener('abort', this.#onGone)
    this.#answer.over(outcome, status)
  }
}

/** What a client that left is told, though nobody listens any more. */
export const clientGone = (): Failure => new Failure('unavailable', 'the client went away')

const endOf = ({ reason }: AbortSignal): Failure => (reason instanceof Failure ? reason : clientGone())

const isNoFaultOfTheInstance = (error: unknown): boolean =>
  error instanceof BodyBroke || (error instanceof Unreached && !error.tried)

/** An instance that can't be connected to is a service that is away (503); a connection that breaks, or nonsense on it, is 502. */
const failureOf = (error: unknown, reached: boolean): Failure => {
  if (error instanceof Failure) return error
  if (error instanceof BodyBroke) return error.failure
  if (!reached) return new Unreached('the service cannot be reached', { cause: error, tried: true })
  return new Failure('bad_gateway', 'the connection to the service broke, or it answered nonsense', { cause: error })
}
