/**
 * How much of the journal is acknowledged: the file `journal.synced`, one line as in `stored-lines.ts` padded with blanks
 * to 128 bytes: {generation, bytes}.
 *
 * The last synced line of the journal has nothing behind it that could vouch for it, so a damaged one would look like a
 * torn write. The mark is rewritten in place after each sync and not synced itself: no change waits for it. It never says
 * more than is true. After a kill it is exact but for the syncs of the last moment; after a power cut it may be as old as
 * the kernel's write-back (30 s on Linux), and damage behind it still looks like a torn write.
 *
 * Upgrade. A snapshot without the member `mark` is from before there were marks: none is asked for.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Disk } from './disk.ts'
import { decodeLine, encodeLine } from './stored-lines.ts'

const markName = 'journal.synced'
const markBytes = 128

export interface Marked {
  readonly generation: number
  readonly bytes: number
}

/** @returns undefined when there is no mark. @throws Error when it is damaged */
export async function readMark(directory: string): Promise<Marked | undefined> {
  const path = join(directory, markName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const mark = decodeLine(text.trimEnd()) as Marked | undefined
  if (mark === undefined) throw new Error(`${path} is damaged: it says how much of the journal is acknowledged`)
  return mark
}

/** The mark in use. Writes one at a time; of what is told meanwhile the newest counts. A refused write leaves it behind. */
export class JournalMark {
  readonly #file: Awaited<ReturnType<Disk['open']>>
  #wanted: Marked | undefined
  #writing: Promise<void> | undefined

  private constructor(file: Awaited<ReturnType<Disk['open']>>) {
    this.#file = file
  }

  /** Its content is whatever it was, or nothing yet. */
  static async open(disk: Disk, directory: string): Promise<JournalMark> {
    const path = join(directory, markName)
    await (await disk.open(path, 'a', 0o600)).close()
    return new JournalMark(await disk.open(path, 'r+'))
  }

  /** On the disk when it resolves. @throws when the disk refuses */
  async begin(generation: number): Promise<void> {
    await this.#writing
    await this.#write({ generation, bytes: 0 })
    await this.#file.sync()
  }

  /** Returns at once. */
  advance(generation: number, bytes: number): void {
    this.#wanted = { generation, bytes }
    this.#writing ??= this.#drain()
  }

  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #drain(): Promise<void> {
    try {
      while (this.#wanted !== undefined) {
        const wanted = this.#wanted
        this.#wanted = undefined
        await this.#write(wanted)
      }
    } catch {
      // It stays behind and says less: nothing was promised by it.
    } finally {
      this.#writing = undefined
    }
  }

  async #write(mark: Marked): Promise<void> {
    await this.#file.write(encodeLine(mark).trimEnd().padEnd(markBytes), 0)
  }
}
