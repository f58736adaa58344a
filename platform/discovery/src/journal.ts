/**
 * What keeps the registry over a restart: one snapshot and one journal of the changes after it.
 *
 * Files in the data directory
 *   snapshot.json      one line: {format, generation, index, node, mark, tables: {services, checks, keys, tombstones, marks}};
 *                      each table is a list of [key, row]
 *   journal-<G>.log    G is the generation of the snapshot; one line per change: {i: index, r: [[table, key, row | null], …]}
 *   journal.synced     how much of the journal is acknowledged (`journal-mark.ts`)
 *   snapshot.tmp       a snapshot in the making; of no value
 * Lines carry a checksum (`stored-lines.ts`). Rows are those of `state.ts`.
 *
 * A new generation is made in the order: snapshot.tmp written and synced → empty journal of the new generation synced →
 * directory synced → rename to snapshot.json → directory synced → mark → old journal removed. Whenever the process dies, snapshot.json names a
 * journal that exists. Each start makes a new generation, so a torn tail is never written after.
 *
 * What is named must be there: a snapshot without its journal, and with `mark: true` without the mark, is refused; so is a
 * journal that is damaged where the mark says that it was acknowledged.
 *
 * Upgrade: `format` is 1. A version that changes rows raises it and converts on reading; an unknown format is refused.
 *
 * Changes are written and synced in groups: whoever waits is answered after the sync that covers it. When the disk
 * refuses, the rows are already in memory; the next successful snapshot holds them, and until then writers are refused
 * while reads go on. No restart is needed.
 */
import { randomUUID } from 'node:crypto'
import * as fileSystem from 'node:fs/promises'
import { type FileHandle, mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from './clock.ts'
import type { Disk } from './disk.ts'
import { JournalMark, readMark } from './journal-mark.ts'
import type { Limits } from './limits.ts'
import type { Log } from './log.ts'
import { emptyState, type NodeFacts, type Row, type State, tableNames, withRows } from './state.ts'
import { decodeLine, decodeLines, encodeLine } from './stored-lines.ts'

const format = 1

interface Snapshot {
  readonly format: number
  readonly generation: number
  readonly index: number
  readonly node: NodeFacts
  /** Whether `journal.synced` belongs to it; absent in data of older versions. */
  readonly mark?: boolean
  readonly tables: Readonly<Record<string, readonly (readonly [string, unknown])[]>>
}

interface JournalEntry {
  readonly i: number
  readonly r: readonly Row[]
}

/** Thrown to a writer whose change is not on disk (it may be there after the next successful try). */
export class StorageRefused extends Error {}

/**
 * @param node facts of this start; a known data directory keeps its own node id
 * @returns the state as it was last synced, and the generation it came from
 * @throws Error with the file's name when the data is damaged or of an unknown format
 */
export async function readStored(
  directory: string,
  node: Omit<NodeFacts, 'id'>,
  log: Log,
): Promise<{ readonly state: State; readonly generation: number }> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const snapshotFile = join(directory, 'snapshot.json')
  const text = await readFile(snapshotFile, 'utf8').catch(absent)
  if (text === null) {
    const orphan = (await readdir(directory)).find((name) => name.startsWith('journal-'))
    if (orphan !== undefined) throw refusal(`${join(directory, orphan)} is there, but snapshot.json is missing`)
    const marked = await readMark(directory).catch(() => undefined)
    if (marked !== undefined) {
      throw refusal(`${snapshotFile} is missing, and journal.synced knows of generation ${marked.generation}`)
    }
    return { state: emptyState({ ...node, id: randomUUID() }), generation: 0 }
  }
  const snapshot = decodeLine(text.trimEnd()) as Snapshot | undefined
  if (snapshot === undefined) throw refusal(`${snapshotFile} is damaged`)
  if (snapshot.format !== format)
    throw new Error(`${snapshotFile} has format ${snapshot.format}; this version reads ${format}`)

  let state: State = { ...emptyState({ ...node, id: snapshot.node.id }), index: snapshot.index }
  for (const table of tableNames) state = { ...state, [table]: new Map(snapshot.tables[table]) }
  const journalFile = join(directory, journalName(snapshot.generation))
  const acknowledgedBytes = await acknowledgedOf(directory, snapshot)
  const journalText = await readFile(journalFile, 'utf8').catch(absent)
  if (journalText === null) throw refusal(`${journalFile} is missing, and snapshot.json names it`)
  const { values, tornBytes } = readLines(journalFile, journalText, acknowledgedBytes)
  for (const { i, r } of values as JournalEntry[]) state = withRows(state, i, r)
  if (tornBytes > 0) log.warn('dropped the torn end of the journal', { file: journalFile, bytes: tornBytes })
  return { state, generation: snapshot.generation }
}

/** Bytes of the snapshot's journal that were acknowledged. */
async function acknowledgedOf(directory: string, { generation, mark }: Snapshot): Promise<number> {
  if (mark !== true) return 0
  const marked = await readMark(directory).catch((error: Error) => {
    throw refusal(error.message)
  })
  if (marked === undefined) throw refusal(`${join(directory, 'journal.synced')} is missing, and snapshot.json names it`)
  if (marked.generation > generation) {
    throw refusal(`snapshot.json is of generation ${generation}, yet generation ${marked.generation} was in use`)
  }
  return marked.generation === generation ? marked.bytes : 0
}

function readLines(file: string, text: string, acknowledgedBytes: number) {
  let read: ReturnType<typeof decodeLines>
  try {
    read = decodeLines(text)
  } catch (error) {
    throw refusal(`${file}: ${(error as Error).message}`)
  }
  const goodBytes = Buffer.byteLength(text) - read.tornBytes
  if (goodBytes >= acknowledgedBytes) return read
  const what = `line ${read.values.length + 1} (byte ${goodBytes}) is damaged or gone`
  throw refusal(`${file}: ${what}, and ${acknowledgedBytes} bytes were acknowledged`)
}

/** Registrations come back by themselves, so an empty directory is a way out; keys and values don't. */
function refusal(what: string): Error {
  return new Error(
    `${what}: restore the directory from a backup, or move it away to begin empty (services register again by themselves; keys and values are lost)`,
  )
}

/** Where changes go. Made by `openJournal`. */
export interface Journal extends AsyncDisposable {
  /** False while the disk refuses. */
  readonly healthy: boolean
  readonly bytes: number
  readonly syncs: number
  /** Entries handed over and not yet synced. */
  readonly pending: number
  append(index: number, rows: readonly Row[]): void
  /** Resolves when all that was appended before is on disk. Rejects with StorageRefused. */
  settled(): Promise<void>
}

export interface JournalOptions {
  readonly directory: string
  readonly generation: number
  /** The state that includes every appended change. */
  readonly currentState: () => State
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly disk?: Disk
}

/** Writes a first snapshot of `currentState()` and takes changes from then on. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const disk = options.disk ?? fileSystem
  const journal = new OpenJournal({ ...options, disk }, await JournalMark.open(disk, options.directory))
  await journal.makeSnapshot()
  return journal
}

class OpenJournal implements Journal {
  healthy = true
  bytes = 0
  syncs = 0
  readonly #options: JournalOptions & { readonly disk: Disk }
  readonly #mark: JournalMark
  #generation: number
  #file: FileHandle | undefined
  #queue: string[] = []
  #waiters: PromiseWithResolvers<void>[] = []
  #closed = false
  #working: Promise<void> | undefined

  constructor(options: JournalOptions & { readonly disk: Disk }, mark: JournalMark) {
    this.#options = options
    this.#mark = mark
    this.#generation = options.generation
  }

  get pending(): number {
    return this.#queue.length
  }

  append(index: number, rows: readonly Row[]): void {
    // While the disk refuses, nothing is queued: the snapshot that ends the trouble holds every change.
    if (!this.healthy) return
    this.#queue.push(encodeLine({ i: index, r: rows } satisfies JournalEntry))
    this.#start()
  }

  settled(): Promise<void> {
    if (!this.healthy) return Promise.reject(new StorageRefused('the disk refuses'))
    if (this.#queue.length === 0 && this.#working === undefined) return Promise.resolve()
    const waiter = Promise.withResolvers<void>()
    this.#waiters.push(waiter)
    // An entry in the air belongs to the run that took it; one more round covers this waiter as well.
    if (this.#queue.length === 0) this.#queue.push('')
    this.#start()
    return waiter.promise
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    await this.#working
    const { log } = this.#options
    if (this.healthy)
      await this.makeSnapshot().catch((error: Error) => log.error('no last snapshot', { error: error.message }))
    await this.#file?.close().catch(() => undefined)
    await this.#mark.close().catch(() => undefined)
  }

  /** Captures the state and the queue in one step: every queued entry is in that state, and later ones go after it. */
  async makeSnapshot(): Promise<void> {
    const { directory, disk, currentState } = this.#options
    const { index, node, ...tables } = currentState()
    this.#queue = []
    const next = this.#generation + 1
    const content: Snapshot = {
      format,
      generation: next,
      index,
      node,
      mark: true,
      tables: Object.fromEntries(tableNames.map((name) => [name, [...tables[name]]])),
    }
    await writeSynced(disk, join(directory, 'snapshot.tmp'), encodeLine(content))
    const nextFile = await this.#beginGeneration(next)
    const old = this.#file
    this.#file = nextFile
    this.#generation = next
    this.bytes = 0
    await old?.close().catch(() => undefined)
    for (const name of await disk.readdir(directory)) {
      if (name.startsWith('journal-') && name !== journalName(next)) await disk.rm(join(directory, name))
    }
  }

  /** An empty journal, and the name of the snapshot that goes with it. */
  async #beginGeneration(next: number): Promise<FileHandle> {
    const { directory, disk } = this.#options
    const nextFile = await disk.open(join(directory, journalName(next)), 'w', 0o600)
    try {
      await nextFile.sync()
      // Its name before the name that points to it.
      await syncDirectory(disk, directory)
      await disk.rename(join(directory, 'snapshot.tmp'), join(directory, 'snapshot.json'))
      await syncDirectory(disk, directory)
      await this.#mark.begin(next)
      return nextFile
    } catch (error) {
      await nextFile.close()
      throw error
    }
  }

  #start(): void {
    if (this.#closed) return
    // One microtask later, so that an entry and the wait for it travel in one group.
    this.#working ??= Promise.resolve()
      .then(() => this.#work())
      .finally(() => {
        this.#working = undefined
        if (this.#queue.length > 0 && this.healthy) this.#start()
      })
  }

  async #work(): Promise<void> {
    while (this.#queue.length > 0 || !this.healthy) {
      const covered = this.#waiters
      this.#waiters = []
      try {
        if (!this.healthy || this.bytes > this.#options.limits.journalBytesMax) await this.makeSnapshot()
        else await this.#writeQueue()
        this.syncs++
        if (!this.healthy) this.#options.log.info('storing works again')
        this.healthy = true
        for (const waiter of covered) waiter.resolve()
      } catch (error) {
        this.#refuse(error as Error, covered)
        return
      }
    }
  }

  async #writeQueue(): Promise<void> {
    const text = this.#queue.join('')
    this.#queue = []
    await this.#file!.appendFile(text)
    await this.#file!.datasync()
    this.bytes += Buffer.byteLength(text)
    this.#mark.advance(this.#generation, this.bytes)
  }

  #refuse(error: Error, covered: PromiseWithResolvers<void>[]): void {
    const { clock, limits, log } = this.#options
    if (this.healthy)
      log.error('the disk refuses; writers are turned away until it takes a snapshot', { error: error.message })
    this.healthy = false
    this.#queue = []
    for (const waiter of [...covered, ...this.#waiters])
      waiter.reject(new StorageRefused(error.message, { cause: error }))
    this.#waiters = []
    if (!this.#closed) clock.after(limits.storageRetryMs, () => this.#start())
  }
}

function journalName(generation: number): string {
  return `journal-${generation}.log`
}

async function writeSynced(disk: Disk, path: string, text: string): Promise<void> {
  await using file = await disk.open(path, 'w', 0o600)
  await file.writeFile(text)
  await file.sync()
}

async function syncDirectory(disk: Disk, path: string): Promise<void> {
  await using directory = await disk.open(path, 'r')
  await directory.sync()
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null
  throw error
}
