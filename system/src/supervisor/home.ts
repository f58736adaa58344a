/**
 * The version of what is under SVYAZ_HOME: where things are and how they fit together. Above it each process knows
 * the format of its own data (the broker's log, PostgreSQL's cluster); a change of those is not a change of this
 * (reliability rule 20).
 */
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { type Checkout, describeCheckout } from '../checkout.ts'
import { SupervisorError } from './errors.ts'
import type { Places } from './places.ts'
import { writeJson } from './state-files.ts'

/**
 * A step takes a home from the version that is its place in the list to the next. It may be cut off by a crash and is
 * then run again from its beginning, so it must stand that. A step that landed is never edited.
 */
export type HomeStep = (home: string) => void

export const homeSteps: readonly HomeStep[] = [cachesByCheckout]

interface HomeRecord {
  readonly version: number
  /** Who started on it last. */
  readonly usedBy: Checkout
}

/**
 * Looks whether this checkout may use a home. Changes nothing.
 *
 * @returns its version; 0 for one made before there were versions, and for one that doesn't exist yet.
 * @throws SupervisorError for a newer home, naming who made it and what to do; for a record that can't be read.
 */
export function homeVersion(places: Places, checkout: Checkout, steps: readonly HomeStep[] = homeSteps): number {
  const record = read(places.version)
  if (record === undefined) return 0
  if (record.version <= steps.length) return record.version
  throw new SupervisorError(
    [
      `${places.home} has state of version ${record.version}, last used by ${describeCheckout(record.usedBy)}.`,
      `This checkout, ${describeCheckout(checkout)}, knows versions up to ${steps.length} and would damage it.`,
      'Start that checkout or a newer one, or give this one a folder of its own: SVYAZ_HOME=<folder>',
    ].join('\n'),
  )
}

/**
 * Brings a home to the present version. Only for who holds its lock.
 *
 * @returns the version that a home of an older version had; undefined when nothing had to be done, or it is new.
 * @throws SupervisorError as {@link homeVersion}; what a step throws.
 */
export function openHome(
  places: Places,
  checkout: Checkout,
  steps: readonly HomeStep[] = homeSteps,
): number | undefined {
  // Keys are made at the first start, whatever is started.
  const isNew = !existsSync(places.keys)
  const before = homeVersion(places, checkout, steps)
  for (let version = before; version < steps.length; version += 1) {
    steps[version]?.(places.home)
    write(places, version + 1, checkout)
  }
  if (!isDeepStrictEqual(read(places.version)?.usedBy, checkout)) write(places, steps.length, checkout)
  return isNew || before === steps.length ? undefined : before
}

/** Damage is not taken for absence: a home of any version would then be migrated from the beginning. */
function read(path: string): HomeRecord | undefined {
  if (!existsSync(path)) return undefined
  try {
    const record = JSON.parse(readFileSync(path, 'utf8')) as HomeRecord
    if (Number.isInteger(record.version) && record.version >= 1) return record
  } catch {
    // Said below.
  }
  throw new SupervisorError(
    `${path} doesn't say which version the state has: put it back from a backup, or use another SVYAZ_HOME`,
  )
}

const write = (places: Places, version: number, usedBy: Checkout): void =>
  writeJson(places.version, { version, usedBy } satisfies HomeRecord)

/** 0 → 1. What was built was at the top, for whichever checkout came first; now each has a folder under `built`. */
function cachesByCheckout(home: string): void {
  for (const name of ['bundles', 'compile-cache', 'pages']) rmSync(join(home, name), { recursive: true, force: true })
}
