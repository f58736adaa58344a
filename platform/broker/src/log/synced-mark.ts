/**
 * How far the write-ahead log is known to be synced: the file `synced`. Format version 1. All integers are big-endian.
 *
 * ```text
 * two slots of 512 bytes (one sector each), written in turn, zeros from 56 on
 *   0  8 bytes "SVYAZSYN"
 *   8  uint16  format version = 1
 *  10  uint16  0
 *  12  uint32  CRC-32C of bytes 16..55
 *  16  16 bytes log id
 *  32  uint64  turn: the sound slot with the higher one counts
 *  40  uint64  sequence: every unit up to this one was synced
 *  48  uint64  number of the newest WAL segment in use, 0 when there is none
 * ```
 *
 * Why so. The last synced unit has nothing behind it in the log that could vouch for it. The mark is written after each
 * sync and isn't synced itself, so it costs the path of an append neither a sync nor a wait; it is synced when it names
 * another segment. It never says more than is true.
 *
 * What can be told apart. A unit that the mark covers and that isn't sound was acknowledged and is damaged: the start is
 * refused. A unit behind the mark that isn't sound is taken for the write that was under way. After a kill the mark is
 * exact but for the syncs of the last moment (the page cache outlives the process); after a clean stop it is exact. After
 * a power cut it may be as old as the kernel's write-back (30 s on Linux) or the start of the segment: then damage to the
 * very last units, with no sound unit behind them, looks like an interrupted write, as in every log without replicas.
 *
 * Upgrade. A checkpoint of version 1 knows no mark: it is made when such a directory is opened. From version 2 on the
 * checkpoint names the mark, and a directory without it is refused. A reader refuses a version that it doesn't know.
 */
import { crc32c } from './crc32c.ts'
import { DamagedLog } from './errors.ts'
import type { LogFile, LogFileSystem } from './file-system.ts'
import type { LogPaths } from './paths.ts'
import { hasCode } from './real-file-system.ts'
import { SECTOR_BYTES } from './wal-format.ts'

const MAGIC = Buffer.from('SVYAZSYN', 'latin1')
const VERSION = 1
const USED_BYTES = 56
const SLOTS = 2

export interface Synced {
  /** Every unit up to this one was synced. */
  readonly sequence: number
  /** The newest write-ahead segment in use; 0: none. */
  readonly segment: number
}

interface Slot extends Synced {
  readonly turn: number
}

function encodeSlot(logId: Buffer, { turn, sequence, segment }: Slot): Buffer {
  const bytes = Buffer.alloc(SECTOR_BYTES)
  MAGIC.copy(bytes)
  bytes.writeUInt16BE(VERSION, 8)
  logId.copy(bytes, 16)
  bytes.writeBigUInt64BE(BigInt(turn), 32)
  bytes.writeBigUInt64BE(BigInt(sequence), 40)
  bytes.writeBigUInt64BE(BigInt(segment), 48)
  bytes.writeUInt32BE(crc32c(bytes, 16, USED_BYTES), 12)
  return bytes
}

/** null when the slot isn't sound. Throws DamagedLog for a version that is unknown here. */
function decodeSlot(bytes: Buffer, file: string, at: number): (Slot & { readonly logId: Buffer }) | null {
  if (bytes.length < USED_BYTES || !bytes.subarray(0, 8).equals(MAGIC)) return null
  const version = bytes.readUInt16BE(8)
  if (version !== VERSION) throw new DamagedLog(file, at + 8, `format version ${version} is unknown here`)
  if (crc32c(bytes, 16, USED_BYTES) !== bytes.readUInt32BE(12)) return null
  return {
    logId: Buffer.from(bytes.subarray(16, 32)),
    turn: Number(bytes.readBigUInt64BE(32)),
    sequence: Number(bytes.readBigUInt64BE(40)),
    segment: Number(bytes.readBigUInt64BE(48)),
  }
}

/**
 * What the mark of a directory says; null when there is none. Throws DamagedLog when neither slot is sound, or when it
 * belongs to another log (`logId` null: any log).
 */
export async function readSyncedMark(fs: LogFileSystem, paths: LogPaths, logId: Buffer | null): Promise<Slot | null> {
  let file: LogFile
  try {
    file = await fs.open(paths.synced, 'read')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return null
    throw error
  }
  const bytes = Buffer.alloc(SLOTS * SECTOR_BYTES)
  const length = await file.read(bytes, 0)
  await file.close()
  let newest: (Slot & { readonly logId: Buffer }) | null = null
  for (let slot = 0; slot < SLOTS; slot++) {
    const at = slot * SECTOR_BYTES
    const found = decodeSlot(bytes.subarray(at, Math.min(length, at + SECTOR_BYTES)), paths.synced, at)
    if (found !== null && found.turn > (newest?.turn ?? -1)) newest = found
  }
  if (newest === null) throw new DamagedLog(paths.synced, 0, 'neither of its two slots is sound')
  if (logId !== null && !newest.logId.equals(logId)) {
    throw new DamagedLog(paths.synced, 16, 'the mark belongs to another log')
  }
  return newest
}

/** The mark of a log in use. One write at a time; of what is told meanwhile the newest counts. */
export class SyncedMark {
  readonly #file: LogFile
  readonly #logId: Buffer
  #synced: Synced
  #turn: number
  #writing: Promise<void> | null = null
  #waiting = false
  #onError: (error: Error) => void = () => {}

  private constructor(file: LogFile, logId: Buffer, synced: Synced, turn: number) {
    this.#file = file
    this.#logId = logId
    this.#synced = synced
    this.#turn = turn
  }

  /** Makes the mark, or takes up the one that is there, with `synced` in both slots; durable when it resolves. */
  static async open(fs: LogFileSystem, paths: LogPaths, logId: Buffer, synced: Synced): Promise<SyncedMark> {
    const before = await readSyncedMark(fs, paths, null).catch(() => null)
    const file = await fs.open(paths.synced, before === null ? 'replace' : 'write')
    const mark = new SyncedMark(file, logId, synced, before?.turn ?? 0)
    try {
      await mark.#writeBoth()
      if (before === null) await fs.syncDirectory(paths.root)
    } catch (error) {
      await file.close()
      throw error
    }
    return mark
  }

  /** Hears of errors of writes that nobody waits for. A want of space isn't one: the mark then stays behind. */
  onError(listener: (error: Error) => void): void {
    this.#onError = listener
  }

  /** A unit has been synced. Returns at once. */
  advance(sequence: number): void {
    this.#synced = { ...this.#synced, sequence }
    this.#waiting = true
    this.#writing ??= this.#drain()
  }

  /** Names the newest segment in use; durable when it resolves. Fails with code ENOSPC when there is no space. */
  async name(segment: number): Promise<void> {
    await this.#writing
    this.#synced = { ...this.#synced, segment }
    await this.#writeBoth()
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#waiting) {
        this.#waiting = false
        await this.#writeSlot()
      }
    } catch (error) {
      if (!hasCode(error, 'ENOSPC')) this.#onError(error as Error)
    } finally {
      this.#writing = null
    }
  }

  async #writeBoth(): Promise<void> {
    for (let slot = 0; slot < SLOTS; slot++) await this.#writeSlot()
    await this.#file.sync()
  }

  #writeSlot(): Promise<void> {
    this.#turn++
    const slot = encodeSlot(this.#logId, { turn: this.#turn, ...this.#synced })
    return this.#file.write(slot, (this.#turn % SLOTS) * SECTOR_BYTES)
  }
}
