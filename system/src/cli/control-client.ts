/** The CLI's side of the supervisor's control socket. */
import { request } from 'node:http'
import { createInterface } from 'node:readline'
import { lockHolder } from '../supervisor/lock.ts'
import { placesIn } from '../supervisor/places.ts'
import type { ProcessIdentity } from '../supervisor/process-table.ts'
import type { InstanceView } from '../supervisor/supervisor.ts'
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

/**
 * One request, one JSON answer.
 *
 * @throws CliError with the supervisor's sentence, or when none runs on this home.
 */
export async function ask<T>(home: string, method: 'GET' | 'POST', path: string): Promise<T> {
  let text = ''
  for await (const line of stream(home, method, path)) text += line
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
      if (!signal?.aborted) throw error
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
      reject(absent ? new NotRunningError(home) : error)
    })
    sent.end()
  })
}
