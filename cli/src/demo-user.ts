/** A user of the demo: what is refused, and what doesn't come, ends the demo with a sentence. */
import type { Person } from '@svyaz/observe/person.ts'
import { within } from '@svyaz/observe/until.ts'
import { CliError } from './errors.ts'

const withinMs = 30_000
const everyMs = 50

/** Waits for a value. @throws CliError that names what did not come. */
export async function demand<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const seen = await within(look, withinMs, everyMs)
  if (seen === undefined) throw new CliError(`waited ${withinMs / 1_000} s for ${what}`)
  return seen
}

/** A request that must succeed. @throws CliError with the refusal */
export async function send<T>(person: Person, method: string, path: string, body?: unknown): Promise<T> {
  const { status, body: answer } = await person.ask(method, path, { body })
  if (status < 300) return answer as T
  throw new CliError(`${method} ${path} answered ${status}: ${answer?.detail ?? answer?.title ?? ''}`)
}
