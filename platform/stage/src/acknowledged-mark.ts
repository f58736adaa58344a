/**
 * How much of an append-only file is acknowledged: beside `x`, the file `x.synced`, one line as in `checked-line.ts`
 * padded with blanks to 128 bytes: `{"v":1,"bytes":N,"checksum":"…"}`.
 *
 * The last synced line of a file has nothing behind it that could vouch for it, so a damaged one would look like a torn
 * write. The mark is rewritten in place after each sync and not synced itself: appends wait for it neither way. It never
 * says more than is true. After a kill it is exact but for the syncs of the last moment; after a power cut it may be as
 * old as the kernel's write-back (30 s on Linux), and damage behind it still looks like a torn write.
 *
 * Upgrade. A file without a mark is from before there were marks: what follows its last good line counts as torn, and
 * it gets a mark when it is opened. A reader refuses a version it doesn't know.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { decodeLine, encodeLine } from './checked-line.ts'
import { makePrivateFile, privateFileMode } from './private-place.ts'

const markBytes = 128

/** Where the mark of a file is: beside it. */
export const markPathOf = (path: string): string => `${path}.synced`

/** @returns the acknowledged length in bytes, undefined without a mark. @throws when the mark is damaged */
export async function readMark(path: string): Promise<number | undefined> {
  let text: string
  try {
    text = await readFile(markPathOf(path), 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const mark = decodeLine(text.trimEnd()) as { v: number; bytes: number } | undefined
  if (mark === undefined) throw new Error(`${markPathOf(path)} is damaged: it says how much of ${path} is acknowledged`)
  if (mark.v !== 1) throw new Error(`${markPathOf(path)} has version ${mark.v}, which is newer than this program`)
  return mark.bytes
}

/** The mark in use. Writes one at a time; of what is told meanwhile the newest counts. A refused write leaves it behind. */
export class AcknowledgedMark {
  readonly #handle: FileHandle
  #bytes: number
  #written = -1
  #writing: Promise<void> | undefined

  private constructor(handle: FileHandle, bytes: number) {
    this.#handle = handle
    this.#bytes = bytes
  }

  /** Makes the mark of a file or takes up the one that is there; on the disk when it resolves, its name too if `folder` is synced after. */
  static async open(path: string, bytes: number): Promise<AcknowledgedMark> {
    const handle = await open(markPathOf(path), 'a', privateFileMode)
    await handle.close()
    await makePrivateFile(markPathOf(path))
    const mark = new AcknowledgedMark(await open(markPathOf(path), 'r+'), bytes)
    await mark.#write()
    await mark.#handle.sync()
    return mark
  }

  /** Returns at once. */
  advance(bytes: number): void {
    this.#bytes = bytes
    this.#writing ??= this.#drain()
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#handle.close()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#written !== this.#bytes) await this.#write()
    } catch {
      // It stays behind and says less: nothing was promised by it.
    } finally {
      this.#writing = undefined
    }
  }

  async #write(): Promise<void> {
    const bytes = this.#bytes
    await this.#handle.write(encodeLine({ v: 1, bytes }).trimEnd().padEnd(markBytes), 0)
    this.#written = bytes
  }
}
