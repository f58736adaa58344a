/**
 * Brings back the state of a directory: the checkpoint, then every unit of the write-ahead log behind it. Decides what is
 * an interrupted last write (dropped) and what is damage (refused): see wal-format.ts.
 */
import { randomBytes } from 'node:crypto'
import { basename } from 'node:path'
import { faultOfBatch, readBatchHeader } from './batch-header.ts'
import { decodeCheckpoint, encodeCheckpoint, type LoadedCheckpoint } from './checkpoint-format.ts'
import { DamagedLog } from './errors.ts'
import type { LogFileSystem } from './file-system.ts'
import type { AcceptLoss } from './log.ts'
import { writeCheckpointFile } from './maintenance.ts'
import { mendSegments } from './mend.ts'
import { ownCopy } from './own-copy.ts'
import { type PartitionState, Topics } from './partition-state.ts'
import { type LogPaths, segmentOffsetOf, walNumberOf } from './paths.ts'
import { hasCode } from './real-file-system.ts'
import { readSyncedMark, type Synced, SyncedMark } from './synced-mark.ts'
import { topicIdToText } from './topic-id.ts'
import {
  BATCH_ENTRY_OVERHEAD,
  decodeWalHeader,
  peekUnit,
  type StoredEntry,
  UNIT_HEADER_BYTES,
  WAL_HEADER_BYTES,
} from './wal-format.ts'
import { contentsOfUnit, findLaterUnit, readUnits, WalSegment } from './wal-segment.ts'

export interface Recovered {
  readonly logId: Buffer
  readonly topics: Topics
  readonly internal: Map<string, Buffer>
  /** Sequence number of the last unit. */
  readonly sequence: number
  /** Of the last unit that lies before `segments`. */
  readonly archivedSequence: number
  /** Segments with units that aren't archived, in order; open, synced, ends set. */
  readonly segments: readonly WalSegment[]
  /** The next write-ahead segment gets this number. */
  readonly nextSegmentNumber: number
  readonly spareBytes: number
  readonly mark: SyncedMark
  /** Byte range of an interrupted last write that was dropped, for the log line; null when there was none. */
  readonly dropped: { readonly file: string; readonly position: number } | null
}

/**
 * What the files say after a stop or a crash: a torn end of the write-ahead log is cut off.
 * `accept`: what was acknowledged and is lost is told to it and passed over instead of being refused (see mend.ts);
 * `indexIntervalBytes` is for partition segments that are rewritten then.
 * @throws DamagedLog for what was acknowledged and is damaged or missing, unless `accept` takes it
 */
export async function recover(
  fs: LogFileSystem,
  paths: LogPaths,
  accept: AcceptLoss | null,
  indexIntervalBytes: number,
): Promise<Recovered> {
  await fs.makeDirectory(paths.wal)
  await fs.makeDirectory(paths.partitions)
  await fs.syncDirectory(paths.root)
  await fs.remove(paths.walPreparing)
  await fs.remove(paths.checkpointNext)
  const checkpoint = await loadCheckpoint(fs, paths)
  const topics = restorePartitions(checkpoint)
  const replay = new Replay(checkpoint, topics, accept)
  const marked = await loadMark(fs, paths, checkpoint, accept)
  const opened = await openSegments(fs, paths, checkpoint, marked, accept)
  try {
    return await recoverFrom({ fs, paths, accept, indexIntervalBytes, checkpoint, topics, replay, marked, opened })
  } catch (error) {
    // Refused: whoever asked may go on living, and must not keep the files open.
    await Promise.allSettled(opened.map((segment) => segment.file.close()))
    throw error
  }
}

interface Loaded {
  readonly fs: LogFileSystem
  readonly paths: LogPaths
  readonly accept: AcceptLoss | null
  readonly indexIntervalBytes: number
  readonly checkpoint: LoadedCheckpoint
  readonly topics: ReturnType<typeof restorePartitions>
  readonly replay: Replay
  readonly marked: Awaited<ReturnType<typeof loadMark>>
  readonly opened: Awaited<ReturnType<typeof openSegments>>
}

async function recoverFrom(loaded: Loaded): Promise<Recovered> {
  const { fs, paths, accept, indexIntervalBytes, checkpoint, topics, replay, marked, opened } = loaded
  let dropped: Recovered['dropped'] = null
  for (const segment of opened) {
    const before = replay.sequence
    await replayUnits(segment, replay)
    let later = await findLaterUnit(segment, segment.end, replay.sequence + 1)
    while (later !== null && accept !== null) {
      await passOver(segment, replay, later, accept)
      later = await findLaterUnit(segment, segment.end, replay.sequence + 1)
    }
    if (later !== null) throw await damagedBefore(segment, replay, before, opened, later)
    if (await hasTornUnit(segment, replay.sequence + 1)) dropped = { file: segment.path, position: segment.end }
  }
  await replay.assertComplete(paths, opened.at(-1), marked)
  // A unit that was written but not synced when the process was killed is read back from the page cache: it counts only
  // once it is on the medium, or a power cut could take back what was already shown to a consumer.
  for (const segment of opened) await segment.file.sync()

  for (const state of topics.partitions()) {
    state.segments = state.segments.filter((segment) => segment.nextOffset > state.logStart)
  }
  if (accept !== null) await mendSegments(fs, paths, checkpoint.logId, topics, indexIntervalBytes, accept)
  await reconcileFiles(fs, paths, topics)

  // Segments prepared and never used are behind the last used one: their numbers are given out again.
  const used = opened.slice(0, 1 + opened.findLastIndex((segment) => segment.end > WAL_HEADER_BYTES))
  const last = used.at(-1)
  // Units that are given up at the end are archived with it: the next one has the number behind them.
  if (last !== undefined) last.lastSequence = replay.sequence
  // First the mark: it must not name a segment that is about to go.
  const mark = await SyncedMark.open(fs, paths, checkpoint.logId, {
    sequence: replay.sequence,
    segment: last?.number ?? 0,
  })
  if (!checkpoint.hasMark) await writeCheckpointFile(fs, paths, encodeCheckpoint(checkpoint))
  for (const segment of opened.slice(used.length).reverse()) {
    await segment.file.close()
    await fs.rename(segment.path, paths.walSpare)
    await fs.syncDirectory(paths.wal)
  }
  return {
    logId: checkpoint.logId,
    topics,
    internal: replay.internal,
    sequence: replay.sequence,
    segments: used,
    archivedSequence: used.length === 0 ? replay.sequence : checkpoint.archivedSequence,
    nextSegmentNumber: (last?.number ?? checkpoint.firstWalSegment - 1) + 1,
    spareBytes: await sizeOf(fs, paths.walSpare),
    dropped,
    mark,
  }
}

/** Goes on at the sound unit at byte `later`: what was between is lost. */
async function passOver(segment: WalSegment, replay: Replay, later: number, accept: AcceptLoss): Promise<void> {
  const head = Buffer.alloc(UNIT_HEADER_BYTES)
  await segment.file.read(head, later)
  const next = peekUnit(head, 0, segment.epoch)!.sequence
  const held = await contentsOfUnit(segment, segment.end, replay.sequence + 1)
  const what = `units ${replay.sequence + 1} to ${next - 1} of the write-ahead log are lost${held}`
  accept({ file: segment.path, position: segment.end, what })
  segment.holes.push({ from: segment.end, to: later, sequence: next })
  replay.sequence = next - 1
  await replayUnits(segment, replay)
}

async function replayUnits(segment: WalSegment, replay: Replay): Promise<void> {
  for await (const unit of readUnits(segment, replay.sequence + 1, segment.capacityBytes, segment.end)) {
    if (Number.isNaN(segment.firstSequence)) segment.firstSequence = unit.sequence
    segment.lastSequence = unit.sequence
    const entries = [...unit.entries()]
    for (const entry of entries) replay.apply(entry, unit.sequence, segment, unit.position)
    replay.sequence = unit.sequence
    segment.end = unit.end
  }
}

async function damagedBefore(
  segment: WalSegment,
  replay: Replay,
  sequenceBefore: number,
  opened: readonly WalSegment[],
  later: number,
): Promise<DamagedLog> {
  const held = await contentsOfUnit(segment, segment.end, replay.sequence + 1)
  const missing = `unit ${replay.sequence + 1} is missing or wrong, yet a later one is sound (${segment.path}, byte ${later})${held}`
  const previous = opened[opened.indexOf(segment) - 1]
  // The whole segment begins with a later unit: what is missing stood at the end of the one before.
  const inPrevious = replay.sequence === sequenceBefore && later === WAL_HEADER_BYTES && previous !== undefined
  return inPrevious
    ? new DamagedLog(previous.path, previous.end, missing)
    : new DamagedLog(segment.path, segment.end, missing)
}

async function hasTornUnit(segment: WalSegment, sequence: number): Promise<boolean> {
  const head = Buffer.alloc(UNIT_HEADER_BYTES)
  const length = await segment.file.read(head, segment.end)
  return peekUnit(head.subarray(0, length), 0, segment.epoch)?.sequence === sequence
}

async function loadCheckpoint(fs: LogFileSystem, paths: LogPaths): Promise<LoadedCheckpoint> {
  const bytes = await readWhole(fs, paths.checkpoint)
  if (bytes !== null) return decodeCheckpoint(bytes, paths.checkpoint)
  const traces = (await fs.list(paths.wal)).filter((name) => walNumberOf(name) !== null)
  if (traces.length > 0 || (await fs.list(paths.partitions)).length > 0) {
    throw new DamagedLog(paths.checkpoint, null, 'yet the directory holds a log')
  }
  // One that can't be read is of a first start that was interrupted: there is nothing else here that could be lost.
  const orphan = await readSyncedMark(fs, paths, null).catch((error: unknown) => {
    if (error instanceof DamagedLog) return null
    throw error
  })
  if (orphan !== null && orphan.sequence > 0) {
    throw new DamagedLog(paths.checkpoint, null, `${paths.synced} knows of ${orphan.sequence} units that were synced`)
  }
  const fresh = { hasMark: true, logId: randomBytes(16), unitSequence: 0, firstWalSegment: 1, archivedSequence: 0 }
  const mark = await SyncedMark.open(fs, paths, fresh.logId, { sequence: 0, segment: 0 })
  await mark.close()
  await writeCheckpointFile(fs, paths, encodeCheckpoint({ ...fresh, partitions: [], internal: [] }))
  return { ...fresh, partitions: [], internal: new Map() }
}

async function loadMark(
  fs: LogFileSystem,
  paths: LogPaths,
  checkpoint: LoadedCheckpoint,
  accept: AcceptLoss | null,
): Promise<Synced> {
  const unknown = { sequence: 0, segment: 0 }
  if (!checkpoint.hasMark) return unknown
  const mark = await readSyncedMark(fs, paths, checkpoint.logId).catch((error: unknown) => {
    if (accept === null || !(error instanceof DamagedLog)) throw error
    return null
  })
  if (mark === null && accept !== null) {
    accept({ file: paths.synced, position: null, what: 'how far the log was synced is no longer known' })
    return unknown
  }
  if (mark === null) throw new DamagedLog(paths.synced, null, 'the checkpoint belongs to a log that has one')
  return mark
}

function restorePartitions(checkpoint: LoadedCheckpoint): Topics {
  const topics = new Topics()
  for (const summary of checkpoint.partitions) {
    const state = topics.ensure(summary.topic).ensure(summary.partition)
    state.logStart = summary.logStart
    state.archivedEnd = summary.archivedEnd
    state.nextOffset = summary.archivedEnd
    state.stampNext = summary.archivedEnd
    state.segments = summary.segments
  }
  return topics
}

/**
 * Removes files that nothing refers to (an archiving or a deletion was interrupted); a file that should be there and
 * isn't is DamagedLog.
 */
async function reconcileFiles(fs: LogFileSystem, paths: LogPaths, topics: Topics): Promise<void> {
  for (const topicId of await fs.list(paths.partitions)) {
    const topic = topics.byId.get(topicId)
    const topicPath = paths.topic(topicId)
    for (const name of await fs.list(topicPath)) {
      const state = topic?.partitions.get(Number(name))
      const directory = `${topicPath}/${name}`
      const wanted = new Set(state?.segments.map((segment) => segment.baseOffset))
      for (const file of await fs.list(directory)) {
        const offset = segmentOffsetOf(file)
        if (offset === null || !wanted.delete(offset)) await fs.remove(`${directory}/${file}`)
      }
      if (state === undefined) await fs.remove(directory)
    }
    if (topic === undefined) await fs.remove(topicPath)
  }
  for (const state of topics.partitions()) {
    const there = new Set(await fs.list(paths.partition(state.topic.id, state.partition)))
    for (const { baseOffset } of state.segments) {
      const path = paths.segment(state.topic.id, state.partition, baseOffset)
      if (!there.has(basename(path)))
        throw new DamagedLog(path, null, `the checkpoint names this segment of ${state.key}`)
    }
  }
}

async function openSegments(
  fs: LogFileSystem,
  paths: LogPaths,
  checkpoint: LoadedCheckpoint,
  marked: Synced,
  accept: AcceptLoss | null,
): Promise<WalSegment[]> {
  const numbers: number[] = []
  for (const name of await fs.list(paths.wal)) {
    const number = walNumberOf(name)
    if (number === null) continue
    if (number >= checkpoint.firstWalSegment) numbers.push(number)
    else await fs.remove(paths.walSegment(number))
  }
  numbers.sort((a, b) => a - b)
  const missing = missingSegment(paths, checkpoint, numbers, marked)
  if (missing !== null && accept === null) throw missing
  if (missing !== null) accept?.({ file: missing.file, position: null, what: missing.message })
  const segments: WalSegment[] = []
  for (const number of numbers) {
    const path = paths.walSegment(number)
    const file = await fs.open(path, 'write')
    const head = Buffer.alloc(WAL_HEADER_BYTES)
    const header = decodeWalHeader(head.subarray(0, await file.read(head, 0)), path)
    if (!header.logId.equals(checkpoint.logId)) throw new DamagedLog(path, 16, 'the segment belongs to another log')
    if (header.number !== number) throw new DamagedLog(path, 32, `the header says segment ${header.number}`)
    const size = await file.size()
    if (size < header.capacityBytes) throw new DamagedLog(path, size, 'the file is shorter than its header says')
    segments.push(new WalSegment(number, header.epoch, header.capacityBytes, path, file))
  }
  return segments
}

/** The segments from the checkpoint's first to the last one that is there or that the mark names are all needed. */
function missingSegment(
  paths: LogPaths,
  { firstWalSegment }: LoadedCheckpoint,
  numbers: readonly number[],
  marked: Synced,
): DamagedLog | null {
  const last = Math.max(marked.segment, numbers.at(-1) ?? 0)
  const missing: number[] = []
  for (let number = firstWalSegment; number <= last; number++) if (!numbers.includes(number)) missing.push(number)
  if (missing.length === 0) return null
  const others = missing.length > 1 ? ` (and ${missing.length - 1} more up to ${missing.at(-1)})` : ''
  const known = marked.sequence > 0 ? `; units up to ${marked.sequence} were synced` : ''
  return new DamagedLog(paths.walSegment(missing[0]!), null, `this segment of the log is needed${others}${known}`)
}

/** Applies units to the state, in order, and checks that what the checkpoint promised comes back. */
class Replay {
  sequence: number
  readonly internal: Map<string, Buffer>
  readonly #checkpoint: LoadedCheckpoint
  readonly #topics: Topics
  readonly #accept: AcceptLoss | null

  constructor(checkpoint: LoadedCheckpoint, topics: Topics, accept: AcceptLoss | null) {
    this.#accept = accept
    this.#checkpoint = checkpoint
    this.#topics = topics
    this.internal = new Map(checkpoint.internal)
    this.sequence = checkpoint.archivedSequence
  }

  apply(entry: StoredEntry, sequence: number, segment: WalSegment, unitAt: number): void {
    const contained = sequence <= this.#checkpoint.unitSequence
    if (entry.kind === 'batch') {
      const topicId = topicIdToText(entry.topic)
      const known = this.#topics.find(topicId, entry.partition)
      // The checkpoint already knows that this topic was deleted later.
      if (known === undefined && contained) return
      const state = known ?? this.#topics.ensure(entry.topic).ensure(entry.partition)
      this.#applyBatch(state, entry.batch, segment, unitAt, entry.at)
    } else if (!contained) {
      this.#applyOther(entry)
    }
  }

  #applyBatch(state: PartitionState, batch: Buffer, segment: WalSegment, unitAt: number, entryAt: number): void {
    const position = unitAt + entryAt + BATCH_ENTRY_OVERHEAD
    const fault = faultOfBatch(batch)
    if (fault !== null) throw new DamagedLog(segment.path, position, `a record batch is wrong (${fault})`)
    const header = readBatchHeader(batch)
    const baseOffset = Number(header.baseOffset)
    if (baseOffset > state.nextOffset && this.#accept !== null) {
      this.#lose(state, baseOffset, segment.path, position)
    } else if (baseOffset !== state.nextOffset) {
      const where = `partition ${state.key} goes on at ${baseOffset} instead of ${state.nextOffset}`
      throw new DamagedLog(segment.path, position, where)
    }
    const nextOffset = Number(header.lastOffset) + 1
    state.addBatch(segment.number, baseOffset, nextOffset, Number(header.maxTimestamp), position, batch.length)
    state.stampNext = nextOffset
  }

  #applyOther(entry: Exclude<StoredEntry, { kind: 'batch' }>): void {
    if (entry.kind === 'internal') {
      const key = entry.key.toString('utf8')
      if (entry.value === null) this.internal.delete(key)
      else this.internal.set(key, ownCopy(entry.value))
    } else if (entry.kind === 'logStart') {
      const state = this.#topics.find(topicIdToText(entry.topic), entry.partition)
      if (state !== undefined) state.logStart = Math.max(state.logStart, entry.offset)
    } else {
      this.#topics.byId.delete(topicIdToText(entry.topic))
    }
  }

  /** What a checkpoint contains and what the mark covers was durable: if the log ends before it, acknowledged data is missing. */
  async assertComplete(paths: LogPaths, last: WalSegment | undefined, marked: Synced): Promise<void> {
    const { partitions, firstWalSegment } = this.#checkpoint
    const unitSequence = Math.max(this.#checkpoint.unitSequence, marked.sequence)
    const file = last?.path ?? paths.walSegment(firstWalSegment)
    const position = last?.end ?? null
    if (this.#accept !== null) return this.#acceptEnd(file, position, unitSequence)
    if (this.sequence < unitSequence) {
      const held = last === undefined ? '' : await contentsOfUnit(last, last.end, this.sequence + 1)
      const what = `the log ends with unit ${this.sequence}, but unit ${unitSequence} was synced and acknowledged${held}`
      throw new DamagedLog(file, position, what)
    }
    for (const { topic, partition, nextOffset } of partitions) {
      const state = this.#topics.find(topicIdToText(topic), partition)
      if (state !== undefined && state.nextOffset < nextOffset) {
        throw new DamagedLog(file, position, `partition ${state.key} ends at ${state.nextOffset}, not at ${nextOffset}`)
      }
    }
  }

  /** Numbers and offsets that were given out aren't given out again. */
  #acceptEnd(file: string, position: number | null, unitSequence: number): void {
    if (this.sequence < unitSequence) {
      const what = `units ${this.sequence + 1} to ${unitSequence} of the write-ahead log are lost`
      this.#accept?.({ file, position, what })
      this.sequence = unitSequence
    }
    for (const { topic, partition, nextOffset } of this.#checkpoint.partitions) {
      const state = this.#topics.find(topicIdToText(topic), partition)
      if (state === undefined || state.nextOffset >= nextOffset) continue
      this.#lose(state, nextOffset, file, position)
      state.nextOffset = nextOffset
      state.stampNext = nextOffset
    }
  }

  #lose(state: PartitionState, until: number, file: string, position: number | null): void {
    const records = {
      topicId: state.topic.id,
      partition: state.partition,
      first: state.nextOffset,
      last: until - 1,
    }
    this.#accept?.({ file, position, what: 'records are gone', records })
  }
}

async function readWhole(fs: LogFileSystem, path: string): Promise<Buffer | null> {
  try {
    const file = await fs.open(path, 'read')
    try {
      const bytes = Buffer.allocUnsafe(await file.size())
      return bytes.subarray(0, await file.read(bytes, 0))
    } finally {
      await file.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
}

async function sizeOf(fs: LogFileSystem, path: string): Promise<number> {
  try {
    const file = await fs.open(path, 'read')
    try {
      return await file.size()
    } finally {
      await file.close()
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 0
    throw error
  }
}
