/** The CLI's side of the supervisor's control socket. */
import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { checkoutAt, describeCheckout, mayDiffer } from '@svyaz/system/checkout.ts'
import { lockHolder } from '@svyaz/system/supervisor/lock.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import type { ProcessIdentity } from '@svyaz/system/supervisor/process-table.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { CliError, NotRunningError, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'

export interface Instances {
  /** Of the supervisor. */
  readonly pid: number
  readonly instances: readonly InstanceView[]
}

/** The supervisor on this home, if one runs. */
export function supervisorOn(home: string): ProcessIdentity | undefined {
  return lockHolder(placesIn(home).lock)
}

/** What to say when the running system was started by another checkout than the one that asks; usually nothing. */
export function otherCheckout({ home, root }: { home: string; root: string }): string | undefined {
  const running = lockHolder(placesIn(home).lock)?.checkout
  if (running === undefined) return undefined
  const own = checkoutAt(root)
  if (!mayDiffer(running, own)) return undefined
  return `what runs was started by ${describeCheckout(running)}; this is ${describeCheckout(own)}: use that one's svyaz, or stop it and start this one`
}

/**
 * One request, one JSON answer.
 *
 * @throws CliError with the supervisor's sentence, or when none runs on this home.
 */
export async function ask<T>(home: string, method: 'GET' | 'POST', path: string, signal?: AbortSignal): Promise<T> {
  let text = ''
  for await (const line of stream(home, method, path, signal)) text += line
  // Ended in order while it was asked, as by a `down` from elsewhere.
  if (text === '') throw new CliError(endedMeanwhile)
  return JSON.parse(text) as T
}

/**
 * Checks names before anything is asked of the supervisor, so that of several names none is acted upon when one is wrong.
 *
 * @throws UsageError with the name that was probably meant.
 */
export function assertKnown(what: string, names: readonly string[], known: readonly string[]): void {
  const wrong = names.find((name) => !known.includes(name))
  if (wrong === undefined) return
  const guess = nearest(wrong, known)
  throw new UsageError(
    `there is no ${what} "${wrong}"; ${guess ? `did you mean ${guess}?` : `there are ${known.join(', ')}`}`,
  )
}

/** Names that `kill` and the like take: services, and their instances. */
export const targetsIn = (instances: readonly InstanceView[]): string[] => [
  ...new Set(instances.flatMap((instance) => [instance.service, instance.name])),
]

/** The lines of a streamed answer, until it ends or the signal aborts. */
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
  throw new CliError((JSON.parse(text) as { error: string }).error)
}

function open(home: string, method: string, path: string, signal?: AbortSignal) {
  return new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    const sent = request(
      { socketPath: placesIn(home).controlSocket, method, path, agent: false, ...(signal ? { signal } : {}) },
      resolve,
    )
    sent.once('error', (error: NodeJS.ErrnoException) => {
      const absent = error.code === 'ENOENT' || error.code === 'ECONNREFUSED'
      reject(absent ? new NotRunningError(home) : wasCut(error))
    })
    sent.end()
  })
}

const endedMeanwhile = 'the supervisor ended while it was asked; `npx svyaz up` starts it, and says why if it can not'

/** A connection that breaks in the middle means that the supervisor was killed: nothing else stands between. */
const wasCut = (error: unknown): unknown =>
  ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')
    ? new CliError(endedMeanwhile, { cause: error })
    : error
