/** The supervisor as commands speak to it: what it can't do ends the command with a sentence and an exit code. */
import { checkoutAt, describeCheckout, mayDiffer } from '@svyaz/system/checkout.ts'
import { ControlError, ask as control, stream as lines } from '@svyaz/system/supervisor/control-client.ts'
import { lockHolder } from '@svyaz/system/supervisor/lock.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import type { ProcessIdentity } from '@svyaz/system/supervisor/process-table.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { CliError, NotRunningError, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'

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

type Request = Parameters<typeof lines>

/**
 * One request, one JSON answer.
 * @throws CliError with the supervisor's sentence, or when none runs on this home.
 */
export async function ask<T>(...request: Request): Promise<T> {
  try {
    return await control<T>(...request)
  } catch (error) {
    throw forTheTerminal(error)
  }
}

/** The lines of a streamed answer. @throws CliError as `ask` does. */
export async function* stream(...request: Request): AsyncGenerator<string> {
  try {
    yield* lines(...request)
  } catch (error) {
    throw forTheTerminal(error)
  }
}

function forTheTerminal(error: unknown): unknown {
  if (!(error instanceof ControlError)) return error
  const { reason, message, cause } = error
  return reason === 'not running' ? new NotRunningError(message, { cause }) : new CliError(message, { cause })
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
