/** The one error class that crosses an edge, and how a message handler says that it failed. */
import { type ErrorCode, errorTable, type Fault } from '@svyaz/contracts/errors.ts'
import type { FailureOptions } from './api.ts'

/** `detail` is for the caller; `cause` is for the operator and never leaves the process. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly code: ErrorCode
  readonly detail: string
  readonly faults: readonly Fault[]
  readonly retryAfterSeconds: number | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, detail: string, options: FailureOptions = {}) {
    super(`${code}: ${detail}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.detail = detail
    this.faults = options.faults ?? []
    this.retryAfterSeconds = options.retryAfterSeconds
    this.headers = options.headers ?? {}
  }

  get status(): number {
    return errorTable[this.code].status
  }
}

/** How a handler ended, when it did not end as done (reliability rule 1). */
export class HandlerError extends Error {
  override readonly name = 'HandlerError'
  readonly outcome: 'transient' | 'permanent'

  constructor(outcome: 'transient' | 'permanent', message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.outcome = outcome
  }
}

/** Something it needs is away: the partition waits with back-off, no attempt is counted. */
export const transient = (message: string, cause?: unknown): HandlerError =>
  new HandlerError('transient', message, cause)

/** It will never succeed: goes to the dead letters after the counted attempts. */
export const permanent = (message: string, cause?: unknown): HandlerError =>
  new HandlerError('permanent', message, cause)
