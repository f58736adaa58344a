/** A user of the demo: what is refused, and what doesn't come, ends the demo with a sentence. */
import type { Person } from '@svyaz/observe/person.ts'
import { within } from '@svyaz/observe/until.ts'
import { CliError } from './errors.ts'

const withinMs = 30_000
const everyMs = 50

/** Between two looks that are requests of a user: a minute allows a limited number of them. */
export const requestEveryMs = 250

/**
 * Waits for a value.
 * @param betweenMs from one look to the next
 * @throws CliError that names what did not come, and why the last look failed
 */
export async function demand<T>(what: string, look: () => Promise<T | undefined>, betweenMs = everyMs): Promise<T> {
  const last: { error?: unknown } = {}
  const seen = await within(look, withinMs, betweenMs, last)
  if (seen !== undefined) return seen
  const why = last.error instanceof Error ? `: ${last.error.message}` : ''
  throw new CliError(`waited ${withinMs / 1_000} s for ${what}${why}`)
}

/** A request that must succeed. @throws CliError with the refusal */
export async function send<T>(person: Person, method: string, path: string, body?: unknown): Promise<T> {
  const { status, body: answer } = await person.ask(method, path, { body })
  if (status < 300) return answer as T
  throw new CliError(`${method} ${path} answered ${status}: ${answer?.detail ?? answer?.title ?? ''}`)
}
