/** One write-ahead file in use: its place in the log, how far it is written, and who is still reading it. */
import { BATCH_HEADER_BYTES, readBatchHeader } from './batch-header.ts'
import { DamagedLog } from './errors.ts'
import type { LogFile } from './file-system.ts'
import { topicIdToText } from './topic-id.ts'
import {
  decodeEntries,
  peekUnit,
  SECTOR_BYTES,
  type StoredEntry,
  UNIT_HEADER_BYTES,
  unitBytes,
  unitIsSound,
  WAL_HEADER_BYTES,
} from './wal-format.ts'

const READ_CHUNK_BYTES = 1 << 20
const CONTENTS_SHOWN_MAX = 5

/** From byte `from` to byte `to` nothing is read; there the unit with this sequence number begins. */
export interface Hole {
  readonly from: number
  readonly to: number
  readonly sequence: number
}

export class WalSegment {
  readonly number: number
  readonly epoch: bigint
  readonly capacityBytes: number
  readonly path: string
  readonly file: LogFile
  /** Where the next unit goes: everything before it is sound. */
  end = WAL_HEADER_BYTES
  /** Of its first unit; NaN while it has none. */
  firstSequence = Number.NaN
  /** Of its last sound unit; NaN while it has none. */
  lastSequence = Number.NaN
  /** Stretches that are given up as lost. */
  readonly holes: Hole[] = []
  #pins = 0
  #whenIdle: (() => void)[] = []

  constructor(number: number, epoch: bigint, capacityBytes: number, path: string, file: LogFile) {
    this.number = number
    this.epoch = epoch
    this.capacityBytes = capacityBytes
    this.path = path
    this.file = file
  }

  remaining(): number {
    return this.capacityBytes - this.end
  }

  /** Keeps the file from being recycled while `use` reads it. */
  async pinned<T>(use: (file: LogFile) => Promise<T>): Promise<T> {
    this.#pins++
    try {
      return await use(this.file)
    } finally {
      this.#pins--
      if (this.#pins === 0) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }

  /** Resolves once nobody reads it. */
  idle(): Promise<void> {
    return this.#pins === 0 ? Promise.resolve() : new Promise((resolve) => this.#whenIdle.push(resolve))
  }
}

export interface StoredUnit {
  readonly sequence: number
  /** In the file. */
  readonly position: number
  /** Where the next unit would begin. */
  readonly end: number
  /** Entries with their `at` relative to the start of the unit; views that hold until the next unit is asked for. */
  entries(): Generator<StoredEntry>
}

/**
 * The sound units of a segment in order, beginning with sequence `firstSequence`; ends silently in front of the first
 * place where the expected unit isn't. Whether that is the end of the log is for `findLaterUnit` to tell.
 */
export async function* readUnits(
  segment: WalSegment,
  firstSequence: number,
  until: number,
  start = WAL_HEADER_BYTES,
): AsyncGenerator<StoredUnit> {
  let sequence = firstSequence
  let position = start
  let memory = Buffer.alloc(0)
  let chunk = memory
  let chunkAt = position
  const load = async (bytesWanted: number) => {
    const wanted = Math.max(0, Math.min(Math.max(bytesWanted, READ_CHUNK_BYTES), until - position))
    if (memory.length < wanted) memory = Buffer.allocUnsafeSlow(wanted)
    chunk = memory.subarray(0, await segment.file.read(memory.subarray(0, wanted), position))
    chunkAt = position
  }
  while (position < until) {
    const hole = segment.holes.find(({ from }) => from === position)
    if (hole !== undefined) {
      position = hole.to
      sequence = hole.sequence
    }
    if (position - chunkAt + UNIT_HEADER_BYTES > chunk.length) await load(READ_CHUNK_BYTES)
    let header = peekUnit(chunk, position - chunkAt, segment.epoch)
    if (header === null || header.sequence !== sequence) return
    const bytes = unitBytes(header.length)
    if (position + bytes > until) return
    if (position - chunkAt + bytes > chunk.length) {
      await load(bytes)
      header = peekUnit(chunk, position - chunkAt, segment.epoch)
      if (header === null) return
    }
    const at = position - chunkAt
    if (!unitIsSound(chunk, at, header)) return
    const unit = chunk.subarray(at, at + bytes)
    const unitAt = position
    const unitHeader = header
    position += bytes
    yield {
      sequence,
      position: unitAt,
      end: position,
      entries: () => decodeEntries(unit, 0, unitHeader, segment.path, unitAt),
    }
    sequence++
  }
}

/**
 * Looks from byte `from` on for a sound unit of this segment with at least the given sequence number. The byte where it
 * starts, or null: then what is at `from` is at most the unit that was being written when the process died.
 */
export async function findLaterUnit(segment: WalSegment, from: number, sequence: number): Promise<number | null> {
  for (let chunkAt = from; chunkAt < segment.capacityBytes; chunkAt += READ_CHUNK_BYTES) {
    const chunk = Buffer.allocUnsafe(Math.min(READ_CHUNK_BYTES, segment.capacityBytes - chunkAt))
    const length = await segment.file.read(chunk, chunkAt)
    for (let at = 0; at + UNIT_HEADER_BYTES <= length; at += SECTOR_BYTES) {
      const header = peekUnit(chunk, at, segment.epoch)
      if (header === null || header.sequence < sequence) continue
      const bytes = unitBytes(header.length)
      if (chunkAt + at + bytes > segment.capacityBytes) continue
      const unit = Buffer.allocUnsafe(bytes)
      const read = await segment.file.read(unit, chunkAt + at)
      if (unitIsSound(unit.subarray(0, read), 0, header)) return chunkAt + at
    }
  }
  return null
}

/** The units of a segment that is known to be whole up to its `end`; anything else is DamagedLog. */
export async function* readWholeSegment(segment: WalSegment): AsyncGenerator<StoredUnit> {
  if (segment.end === WAL_HEADER_BYTES) return
  let position = WAL_HEADER_BYTES
  for await (const unit of readUnits(segment, segment.firstSequence, segment.end)) {
    yield unit
    position = unit.end
  }
  if (position !== segment.end) {
    throw new DamagedLog(segment.path, position, 'a unit that was written and synced is not there any more')
  }
}

/**
 * What a damaged unit held, as far as its bytes still say it, to be put behind a message: `; it held …`, or nothing.
 * Topics are given by their ids.
 */
export async function contentsOfUnit(segment: WalSegment, at: number, sequence: number): Promise<string> {
  const head = Buffer.alloc(UNIT_HEADER_BYTES)
  const header = peekUnit(head.subarray(0, await segment.file.read(head, at)), 0, segment.epoch)
  if (header === null || header.sequence !== sequence || at + unitBytes(header.length) > segment.capacityBytes)
    return ''
  const unit = Buffer.alloc(unitBytes(header.length))
  await segment.file.read(unit, at)
  const held: string[] = []
  try {
    for (const entry of decodeEntries(unit, 0, header, segment.path, at)) held.push(nameOf(entry))
  } catch (error) {
    if (!(error instanceof DamagedLog || error instanceof RangeError)) throw error
  }
  const shown = held.slice(0, CONTENTS_SHOWN_MAX).join(', ')
  if (shown === '') return ''
  return `; it held ${shown}${held.length > CONTENTS_SHOWN_MAX ? ` and ${held.length - CONTENTS_SHOWN_MAX} more` : ''}`
}

function nameOf(entry: StoredEntry): string {
  if (entry.kind === 'internal') return `internal record ${JSON.stringify(entry.key.toString('utf8'))}`
  const topic = topicIdToText(entry.topic)
  if (entry.kind === 'topicDeleted') return `the deletion of ${topic}`
  if (entry.kind === 'logStart') return `the log start of ${topic}/${entry.partition}`
  if (entry.batch.length < BATCH_HEADER_BYTES) return `a batch of ${topic}/${entry.partition}`
  const { baseOffset, lastOffset } = readBatchHeader(entry.batch)
  return `${topic}/${entry.partition} offsets ${baseOffset}..${lastOffset}`
}
