/**
 * Makes and retires write-ahead files. A file is complete, zeroed or recycled, with its header and its name synced,
 * before it is used, so that syncing a unit later needs no metadata and can't run out of space.
 */
import type { LogFile, LogFileSystem } from './file-system.ts'
import type { LogPaths } from './paths.ts'
import { hasCode } from './real-file-system.ts'
import { encodeWalHeader } from './wal-format.ts'
import { WalSegment } from './wal-segment.ts'

/** Zeros are synced in portions, so that units synced meanwhile wait for little. */
const ZEROING_PORTION_BYTES = 4 << 20
const ZEROS = Buffer.alloc(256 * 1024)

export class WalStore {
  readonly #fs: LogFileSystem
  readonly #paths: LogPaths
  readonly #logId: Buffer
  readonly #random: (bytes: number) => Buffer
  /** Size of the recycled file that waits, 0 when there is none. */
  #spareBytes: number
  /** One change of names at a time: a file retired meanwhile must not take the place of the spare that is being prepared. */
  #queue: Promise<unknown> = Promise.resolve()

  constructor(
    fs: LogFileSystem,
    paths: LogPaths,
    logId: Buffer,
    random: (bytes: number) => Buffer,
    spareBytes: number,
  ) {
    this.#fs = fs
    this.#paths = paths
    this.#logId = logId
    this.#random = random
    this.#spareBytes = spareBytes
  }

  /** A segment ready for its first unit. Fails with code ENOSPC, leaving nothing behind, when there is no space for it. */
  prepare(number: number, capacityBytes: number): Promise<WalSegment> {
    return this.#alone(() => this.#prepare(number, capacityBytes))
  }

  /** Recycles or removes a segment that the checkpoint on disk no longer needs, once nobody reads it. */
  async retire(segment: WalSegment): Promise<void> {
    await segment.idle()
    await segment.file.close()
    await this.#alone(() => this.#retire(segment))
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work)
    this.#queue = result.catch(() => undefined)
    return result
  }

  async #prepare(number: number, capacityBytes: number): Promise<WalSegment> {
    const recycled = this.#spareBytes >= capacityBytes
    const size = recycled ? this.#spareBytes : capacityBytes
    const from = recycled ? this.#paths.walSpare : this.#paths.walPreparing
    const file = recycled ? await this.#fs.open(from, 'write') : await this.#zeroedFile(capacityBytes)
    if (recycled) this.#spareBytes = 0
    const epoch = this.#random(8).readBigUInt64BE()
    await file.write(encodeWalHeader({ logId: this.#logId, number, epoch, capacityBytes: size }), 0)
    await file.sync()
    const path = this.#paths.walSegment(number)
    await this.#fs.rename(from, path)
    await this.#fs.syncDirectory(this.#paths.wal)
    return new WalSegment(number, epoch, size, path, file)
  }

  async #retire(segment: WalSegment): Promise<void> {
    if (segment.capacityBytes > this.#spareBytes) {
      await this.#fs.rename(segment.path, this.#paths.walSpare)
      await this.#fs.syncDirectory(this.#paths.wal)
      this.#spareBytes = segment.capacityBytes
    } else {
      await this.#fs.remove(segment.path)
      await this.#fs.syncDirectory(this.#paths.wal)
    }
  }

  async #zeroedFile(capacityBytes: number): Promise<LogFile> {
    const file = await this.#fs.open(this.#paths.walPreparing, 'replace')
    try {
      for (let at = 0; at < capacityBytes; at += ZEROS.length) {
        await file.write(ZEROS.subarray(0, Math.min(ZEROS.length, capacityBytes - at)), at)
        const end = at + ZEROS.length
        if (end >= capacityBytes || end % ZEROING_PORTION_BYTES === 0) await file.sync()
      }
      return file
    } catch (error) {
      await file.close()
      if (hasCode(error, 'ENOSPC')) await this.#fs.remove(this.#paths.walPreparing)
      throw error
    }
  }
}
