/**
 * Mails on the disk: files `mails-0000000001.ndjson`, each named for the first mail in it, each line as in
 * `checked-line.ts`, with its mark of what is acknowledged beside it (`acknowledged-mark.ts`). A full file is closed and
 * the next one begun; the oldest go when there are too many.
 *
 * A file's name is the number behind the last mail of the one before it (older versions: at most that), so a file that is
 * missing between two is known;
 * so is the newest one as long as its mark is there. A start without them is refused.
 */
import { existsSync } from 'node:fs'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  acceptLoss,
  decodeFile,
  encodeLine,
  findLoss,
  makePrivateFile,
  makePrivateFolder,
  markPathOf,
  openSyncedFile,
  privateFileMode,
  readGoodLines,
  type SyncedFile,
} from '@svyaz/stage'
import type { Received } from './mailbox.ts'

export type FileLimits = { readonly fileBytesMax: number; readonly filesMax: number }

export type MailFiles = AsyncDisposable & {
  /** Resolves when the mail is on the disk. `number` gives its place, `kept` runs in that order. */
  append(mail: Omit<Received, 'v' | 'sequence'>, kept: (received: Received) => void): Promise<void>
}

const dataName = /^mails-\d{10}\.ndjson$/
const markName = /^(mails-\d{10}\.ndjson)\.synced$/

/**
 * Calls `each` for every mail on the disk, oldest first, then is ready for more.
 * @throws when a file of mails that were accepted is damaged or missing
 */
export async function openMailFiles(
  directory: string,
  limits: FileLimits,
  each: (received: Received) => void,
  onBroken: (error: unknown) => void,
): Promise<MailFiles> {
  await makePrivateFolder(directory)
  const names = await fileNames(directory)
  let sequence = 0
  const take = (value: unknown) => {
    const received = value as Received
    sequence = received.sequence
    each(received)
  }
  for (const name of names.slice(0, -1)) {
    refuseGap(directory, name, sequence)
    const path = join(directory, name)
    await makePrivateFile(path)
    readWhole(path, await readFile(path)).forEach(take)
  }
  const current = names.at(-1) ?? fileName(1)
  if (names.length === 0) names.push(current)
  else refuseGap(directory, current, sequence)
  const { file, values } = await openSyncedFile(join(directory, current), onBroken)
  values.forEach(take)
  return new OpenMailFiles({ directory, limits, onBroken }, { names, sequence, file })
}

interface Place {
  readonly directory: string
  readonly limits: FileLimits
  readonly onBroken: (error: unknown) => void
}

class OpenMailFiles implements MailFiles {
  readonly #place: Place
  /** Oldest first; the last is written to. */
  readonly #names: string[]
  readonly #underWay = new Set<Promise<void>>()
  #sequence: number
  #file: SyncedFile
  #changing: Promise<void> | undefined

  constructor(place: Place, found: { names: string[]; sequence: number; file: SyncedFile }) {
    this.#place = place
    this.#names = found.names
    this.#sequence = found.sequence
    this.#file = found.file
  }

  async append(mail: Omit<Received, 'v' | 'sequence'>, kept: (received: Received) => void): Promise<void> {
    if (this.#file.syncedBytes >= this.#place.limits.fileBytesMax && this.#changing === undefined)
      this.#changing = this.#changeFile().finally(() => {
        this.#changing = undefined
      })
    // No await without need: between it and the append below the file could change.
    while (this.#changing !== undefined) await this.#changing
    let received: Received
    const written = this.#file.append(
      (place) => {
        received = { v: 1, sequence: this.#sequence + 1 + place, ...mail }
        return encodeLine(received)
      },
      () => {
        this.#sequence = received.sequence
        kept(received)
      },
    )
    this.#underWay.add(written)
    await written.finally(() => this.#underWay.delete(written))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#changing
    await this.#file[Symbol.asyncDispose]()
  }

  /**
   * A new file that can't be opened leaves the old one in use. Appends under way end first: the new file is named for
   * the mail behind the last of them.
   */
  async #changeFile(): Promise<void> {
    const { directory, limits, onBroken } = this.#place
    await Promise.allSettled(this.#underWay)
    const name = fileName(this.#sequence + 1)
    const next = (await openSyncedFile(join(directory, name), onBroken)).file
    const full = this.#file
    this.#file = next
    this.#names.push(name)
    await full[Symbol.asyncDispose]()
    while (this.#names.length > limits.filesMax) {
      const oldest = join(directory, this.#names.shift() ?? '')
      // The mark first: a mark without its file means that mails are missing.
      await rm(markPathOf(oldest), { force: true })
      await rm(oldest, { force: true })
      await rm(join(directory, gapName(this.#names[0] ?? '')), { force: true })
    }
  }
}

/** Oldest first. @throws when there is a mark of a file that isn't there */
async function fileNames(directory: string): Promise<string[]> {
  const all = await readdir(directory)
  const names = all.filter((name) => dataName.test(name)).sort()
  for (const name of all) {
    const marked = markName.exec(name)?.[1]
    if (marked !== undefined && !names.includes(marked))
      throw new Error(`${join(directory, marked)} is missing, and ${name} says that mails in it were accepted`)
  }
  return names
}

/** @param sequence of the last mail in the file before, 0 for the first file: older ones may have been removed */
function refuseGap(directory: string, name: string, sequence: number): void {
  if (sequence === 0 || name <= fileName(sequence + 1) || existsSync(join(directory, gapName(name)))) return
  throw new Error(
    `${join(directory, fileName(sequence + 1))} is missing: mail ${sequence} is there, and ${name} is the next file`,
  )
}

/** A file that isn't the newest was synced to its end: nothing in it can be torn. */
function readWhole(path: string, bytes: Buffer): unknown[] {
  try {
    return decodeFile(bytes, bytes.length).values
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`)
  }
}

/**
 * Gives up what can't be read: of a damaged file the mails before the damage stay, and an empty file `<next file>.gap`
 * says that the numbers in front of it are missing on purpose.
 * @returns a line for each file, saying what was lost
 */
export async function acceptLostMails(directory: string): Promise<string[]> {
  const lost: string[] = []
  const all = await readdir(directory)
  for (const name of new Set(all.flatMap((each) => markName.exec(each)?.[1] ?? (dataName.test(each) ? [each] : [])))) {
    const path = join(directory, name)
    const given = await acceptLoss(path)
    if (given === undefined) continue
    lost.push(`${path}: ${given.keptLines} mails kept, ${given.lostBytes} bytes lost (set aside in ${given.aside})`)
  }
  let last = 0
  for (const name of await fileNames(directory)) {
    const first = Number(/\d+/.exec(name)?.[0])
    if (last > 0 && first > last + 1) {
      lost.push(`mails ${last + 1} to ${first - 1} are lost`)
      await writeFile(join(directory, gapName(name)), '', { mode: privateFileMode, flush: true })
    }
    const received = readGoodLines(await readFile(join(directory, name))).values.at(-1) as Received | undefined
    last = received?.sequence ?? last
  }
  return lost
}

/** Why `openMailFiles` would refuse the mails; undefined when it wouldn't. Changes nothing. */
export async function findLostMails(directory: string): Promise<string | undefined> {
  if (!existsSync(directory)) return undefined
  try {
    const names = await fileNames(directory)
    let sequence = 0
    for (const name of names.slice(0, -1)) {
      refuseGap(directory, name, sequence)
      const path = join(directory, name)
      sequence = (readWhole(path, await readFile(path)).at(-1) as Received | undefined)?.sequence ?? sequence
    }
    const current = names.at(-1)
    if (current === undefined) return undefined
    refuseGap(directory, current, sequence)
    return await findLoss(join(directory, current))
  } catch (error) {
    return (error as Error).message
  }
}

const gapName = (name: string) => `${name}.gap`

const fileName = (first: number) => `mails-${String(first).padStart(10, '0')}.ndjson`
