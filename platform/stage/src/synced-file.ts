import { type FileHandle, open, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { AcknowledgedMark, readMark } from './acknowledged-mark.ts'
import { DamagedFile, decodeFile, readGoodLines } from './checked-line.ts'
import { makePrivateFile, makePrivateFolder, privateFileMode } from './private-place.ts'

/** The disk refused a write; the file is as before, and a later write may succeed (a full disk that was cleared). */
export class DiskRefused extends Error {}

/**
 * An append-only file in which every appended text is on the disk before `append` resolves. Texts that arrive while
 * a sync is under way share the next one (group commit), in order.
 */
export type SyncedFile = AsyncDisposable & {
  /**
   * @param encode gives whole lines; it runs just before the write, with this text's place in its group (0, 1, …), so
   *   that numbers given there stay free of gaps when the disk refuses a group
   * @param synced runs once the text is durable, in the order of the appends, before any of them resolves
   * @throws DiskRefused when the disk does
   */
  append(encode: (place: number) => string, synced: () => void): Promise<void>
  /** Bytes known to be on the disk. */
  readonly syncedBytes: number
  readonly syncs: number
}

/**
 * Opens or creates the file, for its owner's eyes only, and drops a torn tail.
 * @returns what it holds, the file, and how many torn bytes were dropped
 * @throws when what was acknowledged is damaged or missing (see `acknowledged-mark.ts`), or the disk can't be read
 */
export async function openSyncedFile(
  path: string,
  onBroken: (error: unknown) => void,
): Promise<{ file: SyncedFile; values: unknown[]; tornBytes: number }> {
  await makePrivateFolder(dirname(path))
  const { bytes, acknowledgedBytes } = await readAcknowledged(path)
  const { values, goodBytes } = explain(path, () => decodeFile(bytes ?? Buffer.alloc(0), acknowledgedBytes))
  const handle = await open(path, 'a+', privateFileMode)
  try {
    await makePrivateFile(path)
    const tornBytes = (bytes?.length ?? 0) - goodBytes
    if (tornBytes > 0) await handle.truncate(goodBytes)
    await handle.sync()
    const mark = await AcknowledgedMark.open(path, goodBytes)
    await syncDirectory(dirname(path))
    return { file: new GroupCommit(handle, mark, goodBytes, onBroken), values, tornBytes }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/**
 * A way out when the file can't be opened and there is no backup: keeps the good lines before the damage and puts the
 * rest aside in `<path>.lost-<n>`.
 * @returns what was given up, undefined when nothing is wrong
 */
export async function acceptLoss(
  path: string,
): Promise<{ keptLines: number; keptBytes: number; lostBytes: number; aside: string } | undefined> {
  const bytes = (await readOrUndefined(path)) ?? Buffer.alloc(0)
  const acknowledgedBytes = await readMark(path).catch(() => Number.POSITIVE_INFINITY)
  const { values, goodBytes, goodAfterBad } = readGoodLines(bytes)
  if (goodAfterBad === undefined && goodBytes >= (acknowledgedBytes ?? 0)) return undefined
  const aside = `${path}.lost-${Date.now()}`
  await writeFile(aside, bytes.subarray(goodBytes), { mode: privateFileMode, flush: true })
  await writeFile(`${path}.mended`, bytes.subarray(0, goodBytes), { mode: privateFileMode, flush: true })
  // First what is claimed, then what is there: a crash between leaves a file that is refused again.
  await (await AcknowledgedMark.open(path, goodBytes)).close()
  await rename(`${path}.mended`, path)
  await syncDirectory(dirname(path))
  const lostBytes =
    Math.max(bytes.length, Number.isFinite(acknowledgedBytes) ? (acknowledgedBytes ?? 0) : 0) - goodBytes
  return { keptLines: values.length, keptBytes: goodBytes, lostBytes, aside }
}

/** Why `openSyncedFile` would refuse the file; undefined when it wouldn't. Changes nothing. */
export async function findLoss(path: string): Promise<string | undefined> {
  try {
    const { bytes, acknowledgedBytes } = await readAcknowledged(path)
    explain(path, () => decodeFile(bytes ?? Buffer.alloc(0), acknowledgedBytes))
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

async function readAcknowledged(path: string): Promise<{ bytes: Buffer | undefined; acknowledgedBytes: number }> {
  const acknowledgedBytes = (await readMark(path)) ?? 0
  const bytes = await readOrUndefined(path)
  if (bytes === undefined && acknowledgedBytes > 0)
    throw new Error(`${path} is missing, and ${acknowledgedBytes} bytes of it were acknowledged: ${wayOut}`)
  return { bytes, acknowledgedBytes }
}

async function readOrUndefined(path: string): Promise<Buffer | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

const wayOut = 'restore it from a backup, or start once with --accept-loss to give up what is lost'

type Waiting = {
  encode: (place: number) => string
  synced: () => void
  resolve: () => void
  reject: (error: unknown) => void
}

class GroupCommit implements SyncedFile {
  syncedBytes: number
  syncs = 0
  readonly #handle: FileHandle
  readonly #mark: AcknowledgedMark
  readonly #onBroken: (error: unknown) => void
  #waiting: Waiting[] = []
  #flushing: Promise<void> | undefined

  constructor(handle: FileHandle, mark: AcknowledgedMark, length: number, onBroken: (error: unknown) => void) {
    this.#handle = handle
    this.#mark = mark
    this.syncedBytes = length
    this.#onBroken = onBroken
  }

  append(encode: (place: number) => string, synced: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ encode, synced, resolve, reject })
      this.#flushing ??= this.#flush()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#flushing
    await this.#mark.close()
    await this.#handle.close()
  }

  async #flush(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting
      this.#waiting = []
      try {
        await this.#write(Buffer.from(group.map((each, place) => each.encode(place)).join('')))
      } catch (cause) {
        await this.#takeBack(cause)
        for (const each of group) each.reject(new DiskRefused('the disk refused the write', { cause }))
        continue
      }
      for (const each of group) each.synced()
      for (const each of group) each.resolve()
    }
    this.#flushing = undefined
  }

  async #write(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) at += (await this.#handle.write(bytes, at)).bytesWritten
    await this.#handle.datasync()
    this.syncedBytes += bytes.length
    this.syncs += 1
    this.#mark.advance(this.syncedBytes)
  }

  /** After a failed sync nobody knows what reached the disk, so the file goes back to what is known, or we stop. */
  async #takeBack(cause: unknown): Promise<void> {
    try {
      await this.#handle.truncate(this.syncedBytes)
      await this.#handle.datasync()
    } catch {
      this.#onBroken(cause)
    }
  }
}

function explain<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    const { message, position } = error as DamagedFile
    throw new DamagedFile(`${path}: ${message}: ${wayOut}`, position)
  }
}

/** A new file's name survives a power cut only once its folder is synced too. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
