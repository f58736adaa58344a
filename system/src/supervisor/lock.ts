/**
 * One supervisor per SVYAZ_HOME. A lock is a file that names its holder by process id and start time, so one that was
 * left behind by a crash is recognised, even when its process id belongs to somebody else by now.
 */
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { type Checkout, describeCheckout } from '../checkout.ts'
import { SupervisorError } from './errors.ts'
import { identify, isAlive, type ProcessIdentity } from './process-table.ts'
import { readJson } from './state-files.ts'

/** What the lock says of its holder. */
interface Holder extends ProcessIdentity {
  /** When it is not a supervisor: what it does with the home, e.g. "`svyaz db` uses the data". */
  readonly instead?: string
  /** Whose code runs. */
  readonly checkout?: Checkout
}

/**
 * Takes the lock of the home.
 *
 * @returns a function that gives it back.
 * @throws SupervisorError naming the holder's process id.
 */
export function takeLock(path: string, of: Pick<Holder, 'instead' | 'checkout'> = {}): () => void {
  return claim(path, of, (holder) => homeInUse(path, holder))
}

/**
 * Takes any lock that is a file.
 *
 * @param said what the file says beside who holds it.
 * @param refusal what is thrown when a live process holds it.
 * @returns a function that gives it back.
 */
export function claim<Said extends object>(
  path: string,
  said: Said,
  refusal: (holder: ProcessIdentity & Said) => SupervisorError,
): () => void {
  const self = identify(process.pid)
  if (!self) throw new SupervisorError('this process has no identity of its own: is /proc mounted?')
  mkdirSync(dirname(path), { recursive: true })
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, JSON.stringify({ ...self, ...said }), { mode: 0o600 })
  try {
    while (!linked(unfinished, path)) removeStale(path, refusal)
  } finally {
    rmSync(unfinished, { force: true })
  }
  return () => {
    if (readJson<ProcessIdentity>(path)?.pid === self.pid) rmSync(path, { force: true })
  }
}

/** The supervisor that runs on this home, if one does. */
export function lockHolder(path: string): (ProcessIdentity & { readonly checkout?: Checkout }) | undefined {
  const holder = anyHolder<Holder>(path)
  return holder?.instead === undefined ? holder : undefined
}

function anyHolder<Said extends object>(path: string): (ProcessIdentity & Said) | undefined {
  const holder = readJson<ProcessIdentity & Said>(path)
  return holder && isAlive(holder) ? holder : undefined
}

/** link(2) fails when the name exists: of several starters exactly one gets it, and it never holds half a file. */
function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Moves a stale lock aside. If another starter was quicker and the file moved is that one's fresh lock, it goes back. */
function removeStale<Said extends object>(
  path: string,
  refusal: (holder: ProcessIdentity & Said) => SupervisorError,
): void {
  const refuseIfHeld = (file: string) => {
    const holder = anyHolder<Said>(file)
    if (holder) throw refusal(holder)
  }
  refuseIfHeld(path)
  const aside = `${path}.stale-${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  try {
    if (anyHolder(aside)) linked(aside, path)
    refuseIfHeld(aside)
  } finally {
    rmSync(aside, { force: true })
  }
}

function homeInUse(path: string, holder: Holder): SupervisorError {
  const home = dirname(dirname(path))
  if (holder.instead) return new SupervisorError(`${holder.instead} on ${home} (pid ${holder.pid}): end it first`)
  const by = holder.checkout ? `, from ${describeCheckout(holder.checkout)}` : ''
  return new SupervisorError(
    `the system already runs on ${home} (pid ${holder.pid}${by}): \`npx svyaz ps\` shows it, \`npx svyaz down\` stops it`,
  )
}
