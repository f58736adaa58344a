/** The outside of the supervisor's control socket: one request at a time, answered with JSON or with lines. */
import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import { placesIn } from './places.ts'
import type { InstanceView } from './supervisor.ts'

export interface Instances {
  /** Of the supervisor. */
  readonly pid: number
  readonly instances: readonly InstanceView[]
}

/** Why there is no answer; the message says it to a person. */
export class ControlError extends Error {
  override name = 'ControlError'
  readonly reason: 'not running' | 'ended meanwhile' | 'refused'

  constructor(reason: ControlError['reason'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
  }
}

/**
 * One request, one JSON answer.
 * @throws ControlError with the supervisor's sentence, or when none runs on this home
 */
export async function ask<T>(home: string, method: 'GET' | 'POST', path: string, signal?: AbortSignal): Promise<T> {
  let text = ''
  for await (const line of stream(home, method, path, signal)) text += line
  // Ended in order while it was asked, as by a `down` from elsewhere.
  if (text === '') throw endedMeanwhile()
  return JSON.parse(text) as T
}

/**
 * The lines of a streamed answer, until it ends or the signal aborts.
 * @throws ControlError as `ask` does
 */
export async function* stream(
  home: string,
  method: 'GET' | 'POST',
  path: string,
  signal?: AbortSignal,
): AsyncGenerator<string> {
  const response = await open(home, method, path, signal)
  const lines = createInterface({ input: response, crlfDelay: Number.POSITIVE_INFINITY })
  if (response.statusCode === 200) {
    try {
      yield* lines
    } catch (error) {
      if (!signal?.aborted) throw wasCut(error)
    }
    return
  }
  let text = ''
  for await (const line of lines) text += line
  throw new ControlError('refused', (JSON.parse(text) as { error: string }).error)
}

function open(home: string, method: string, path: string, signal?: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { socketPath: placesIn(home).controlSocket, method, path, agent: false, ...(signal ? { signal } : {}) },
      resolve,
    )
    sent.once('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
      reject(absent ? notRunning(home, error) : wasCut(error))
    })
    sent.end()
  })
}

const notRunning = (home: string, cause: unknown): ControlError =>
  new ControlError('not running', `the system isn't running on ${home}: start it with \`npx svyaz up\``, { cause })

const endedMeanwhile = (cause?: unknown): ControlError =>
  new ControlError(
    'ended meanwhile',
    'the supervisor ended while it was asked; `npx svyaz up` starts it, and says why if it can not',
    { cause },
  )

/** A connection that breaks in the middle means that the supervisor was killed: nothing else is between. */
const wasCut = (error: unknown): unknown =>
  ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '') ? endedMeanwhile(error) : error
