/** Opens a log: takes the directory, recovers, and wires the parts. */
import { randomBytes } from 'node:crypto'
import { Archiver } from './archiver.ts'
import { DurableLog } from './durable-log.ts'
import type { LogFileSystem } from './file-system.ts'
import type { Log, LogLimits, LogLogger, LogOptions } from './log.ts'
import { Maintenance } from './maintenance.ts'
import { LogPaths } from './paths.ts'
import { realFileSystem } from './real-file-system.ts'
import { type Recovered, recover } from './recovery.ts'
import { SegmentReader } from './segment-reader.ts'
import { StorageWatch } from './storage-state.ts'
import { UnitCache } from './unit-cache.ts'
import { SECTOR_BYTES } from './wal-format.ts'
import type { WalSegment } from './wal-segment.ts'
import { WalStore } from './wal-store.ts'
import { WalWriter, type WriterHost } from './wal-writer.ts'

const MEBIBYTE = 1 << 20

export const DEFAULT_LIMITS: LogLimits = {
  walSegmentBytes: 64 * MEBIBYTE,
  walSegmentBytesFirst: 4 * MEBIBYTE,
  partitionSegmentBytes: 64 * MEBIBYTE,
  unitBytesMax: 4 * MEBIBYTE,
  ringBytes: 16 * MEBIBYTE,
  indexIntervalBytes: 64 * 1024,
  unarchivedSegmentsMax: 4,
  pendingBytesMax: 64 * MEBIBYTE,
  reserveBytes: MEBIBYTE,
  openFilesMax: 128,
}

const SILENT: LogLogger = { info() {}, warn() {} }

/**
 * Opens the log of a directory, creating it when it doesn't exist (its parent must). Rejects with DirectoryInUse while
 * another process has it, with DamagedLog (file and byte) when stored data isn't what was written, with the system's
 * error when the directory can't be read or a first log segment can't be made.
 */
export async function openLog(options: LogOptions): Promise<Log> {
  const fs = options.fs ?? realFileSystem
  const limits = roundedToSectors({ ...DEFAULT_LIMITS, ...options.limits })
  const logger = options.logger ?? SILENT
  const paths = new LogPaths(options.directory)
  await fs.makeDirectory(paths.root)
  const unlock = await fs.lock(paths.root)
  try {
    const startedAt = performance.now()
    const recovered = await recover(fs, paths, options.acceptLoss ?? null, limits.indexIntervalBytes)
    if (recovered.dropped !== null) logger.warn('dropped a write that was interrupted', recovered.dropped)
    const store = new WalStore(fs, paths, recovered.logId, options.random ?? randomBytes, recovered.spareBytes)
    const first = Math.min(limits.walSegmentBytes, limits.walSegmentBytesFirst)
    const active = await store.prepare(recovered.nextSegmentNumber, first)
    await recovered.mark.name(active.number)
    const { log, maintenance } = assemble({ options, fs, paths, limits, logger, recovered, store, active, unlock })
    logger.info('log opened', {
      directory: options.directory,
      units: recovered.sequence,
      segmentsToArchive: recovered.segments.length,
      ms: Math.round(performance.now() - startedAt),
    })
    maintenance.startArchiving()
    return log
  } catch (error) {
    await unlock()
    throw error
  }
}

interface Opened {
  readonly options: LogOptions
  readonly fs: LogFileSystem
  readonly paths: LogPaths
  readonly limits: LogLimits
  readonly logger: LogLogger
  readonly recovered: Recovered
  readonly store: WalStore
  readonly active: WalSegment
  readonly unlock: () => Promise<void>
}

/** Wires the parts: each knows the others by what it needs of them. */
function assemble(opened: Opened): { log: DurableLog; maintenance: Maintenance } {
  const { options, fs, paths, limits, logger, recovered, store, active, unlock } = opened
  const { logId, topics, internal, mark } = recovered
  const now = options.clock ?? Date.now
  const cache = new UnitCache(limits.ringBytes)
  const reader = new SegmentReader(fs, paths, logId, limits)
  const archiver = new Archiver(fs, paths, logId, limits, topics, reader, now)
  const storage = new StorageWatch(logger, options.directory)
  const fail = onlyOnce((error: Error) => {
    log.markFailed()
    writer.fail(error)
    options.onFatal(error)
  })
  const maintenance = new Maintenance(
    { fs, paths, logId, limits, store, archiver, reader, cache },
    {
      topics,
      internal,
      durableSequence: () => writer.sequence,
      activeSegment: () => writer.active.number,
      archiving: (works) => {
        storage.tell('archiving', !works)
        if (works) writer.archivingWorks()
      },
      fail,
    },
    recovered.segments,
    recovered.archivedSequence,
  )
  mark.onError(fail)
  const host: WriterHost = {
    room: (bytes) => cache.room(bytes),
    publish: (...unit) => log.publish(...unit),
    batchesRefused: () => log.batchesRefused(),
    sealed: (segment) => maintenance.sealed(segment),
    roomForSealed: () => maintenance.roomForSealed(),
    now,
    storage,
    fail,
  }
  const durability = options.durability ?? 'sync'
  const writer = new WalWriter(store, mark, limits, durability, host, active, recovered.sequence)
  const monotonic = options.monotonic ?? (() => performance.now())
  const parts = {
    topics,
    internal,
    limits,
    writer,
    maintenance,
    reader,
    cache,
    logger,
    now,
    monotonic,
    unlock,
    storage,
  }
  const log = new DurableLog(parts)
  return { log, maintenance }
}

function onlyOnce(tell: (error: Error) => void): (error: Error) => void {
  let told = false
  return (error) => {
    if (!told) {
      told = true
      tell(error)
    }
  }
}

function roundedToSectors(limits: LogLimits): LogLimits {
  const round = (bytes: number) => Math.max(8, Math.ceil(bytes / SECTOR_BYTES)) * SECTOR_BYTES
  return {
    ...limits,
    walSegmentBytes: round(limits.walSegmentBytes),
    walSegmentBytesFirst: round(limits.walSegmentBytesFirst),
  }
}
