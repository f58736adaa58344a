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

/**
 * Writes a first snapshot of `currentState()` and takes changes from then on.
 *
 * @param currentState the state that includes every appended change
 */
export async function openJournal(options: {
  readonly directory: string
  readonly generation: number
  readonly currentState: () => State
  readonly limits: Limits
  readonly clock: Clock
  readonly log: Log
  readonly disk?: Disk
}): Promise<Journal> {
  const { directory, currentState, limits, clock, log, disk = fileSystem } = options
  let generation = options.generation
  let file: FileHandle | undefined
  let queue: string[] = []
  let waiters: PromiseWithResolvers<void>[] = []
  let healthy = true
  let closed = false
  let bytes = 0
  let syncs = 0
  let working: Promise<void> | undefined
  const mark = await JournalMark.open(disk, directory)

  /** Captures the state and the queue in one step: every queued entry is in that state, and later ones go after it. */
  async function makeSnapshot(): Promise<void> {
    const { index, node, ...tables } = currentState()
    queue = []
    const next = generation + 1
    const content: Snapshot = {
      format,
      generation: next,
      index,
      node,
      mark: true,
      tables: Object.fromEntries(tableNames.map((name) => [name, [...tables[name]]])),
    }
    await writeSynced(disk, join(directory, 'snapshot.tmp'), encodeLine(content))
    const nextFile = await disk.open(join(directory, journalName(next)), 'w', 0o600)
    try {
      await nextFile.sync()
      // Its name before the name that points to it.
      await syncDirectory(disk, directory)
      await disk.rename(join(directory, 'snapshot.tmp'), join(directory, 'snapshot.json'))
      await syncDirectory(disk, directory)
      await mark.begin(next)
    } catch (error) {
      await nextFile.close()
      throw error
    }
    const old = file
    file = nextFile
    generation = next
    bytes = 0
    await old?.close().catch(() => undefined)
    for (const name of await disk.readdir(directory)) {
      if (name.startsWith('journal-') && name !== journalName(next)) await disk.rm(join(directory, name))
    }
  }

  async function work(): Promise<void> {
    while (queue.length > 0 || !healthy) {
      const covered = waiters
      waiters = []
      try {
        if (!healthy || bytes > limits.journalBytesMax) await makeSnapshot()
        else await writeQueue()
        syncs++
        if (!healthy) log.info('storing works again')
        healthy = true
        for (const waiter of covered) waiter.resolve()
      } catch (error) {
        refuse(error as Error, covered)
        return
      }
    }
  }

  async function writeQueue(): Promise<void> {
    const text = queue.join('')
    queue = []
    await file!.appendFile(text)
    await file!.datasync()
    bytes += Buffer.byteLength(text)
    mark.advance(generation, bytes)
  }

  function refuse(error: Error, covered: PromiseWithResolvers<void>[]): void {
    if (healthy)
      log.error('the disk refuses; writers are turned away until it takes a snapshot', { error: error.message })
    healthy = false
    queue = []
    for (const waiter of [...covered, ...waiters]) waiter.reject(new StorageRefused(error.message, { cause: error }))
    waiters = []
    if (!closed) clock.after(limits.storageRetryMs, start)
  }

  function start(): void {
    if (closed) return
    // One microtask later, so that an entry and the wait for it travel in one group.
    working ??= Promise.resolve()
      .then(work)
      .finally(() => {
        working = undefined
        if (queue.length > 0 && healthy) start()
      })
  }

  await makeSnapshot()

  return {
    get healthy() {
      return healthy
    },
    get bytes() {
      return bytes
    },
    get syncs() {
      return syncs
    },
    get pending() {
      return queue.length
    },
    append(index, rows) {
      // While the disk refuses, nothing is queued: the snapshot that ends the trouble holds every change.
      if (!healthy) return
      queue.push(encodeLine({ i: index, r: rows } satisfies JournalEntry))
      start()
    },
    settled() {
      if (!healthy) return Promise.reject(new StorageRefused('the disk refuses'))
      if (queue.length === 0 && working === undefined) return Promise.resolve()
      const waiter = Promise.withResolvers<void>()
      waiters.push(waiter)
      // An entry in the air belongs to the run that took it; one more round covers this waiter as well.
      if (queue.length === 0) queue.push('')
      start()
      return waiter.promise
    },
    async [Symbol.asyncDispose]() {
      closed = true
      await working
      if (healthy) await makeSnapshot().catch((error: Error) => log.error('no last snapshot', { error: error.message }))
      await file?.close().catch(() => undefined)
      await mark.close().catch(() => undefined)
    },
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
