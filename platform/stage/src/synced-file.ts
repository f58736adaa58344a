import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decodeFile } from './checked-line.ts'

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
 * Opens or creates the file and drops a torn tail.
 * @returns what it holds, the file, and how many torn bytes were dropped
 * @throws when a line in the middle is damaged, or the disk can't be read
 */
export async function openSyncedFile(
  path: string,
  onBroken: (error: unknown) => void,
): Promise<{ file: SyncedFile; values: unknown[]; tornBytes: number }> {
  await mkdir(dirname(path), { recursive: true })
  const handle = await open(path, 'a+')
  try {
    const bytes = await readFile(path)
    const { values, goodBytes } = explain(path, () => decodeFile(bytes))
    const tornBytes = bytes.length - goodBytes
    if (tornBytes > 0) await handle.truncate(goodBytes)
    await handle.sync()
    await syncDirectory(dirname(path))
    return { file: groupCommit(handle, goodBytes, onBroken), values, tornBytes }
  } catch (error) {
    await handle.close()
    throw error
  }
}

type Waiting = {
  encode: (place: number) => string
  synced: () => void
  resolve: () => void
  reject: (error: unknown) => void
}

function groupCommit(handle: FileHandle, length: number, onBroken: (error: unknown) => void): SyncedFile {
  let syncedBytes = length
  let syncs = 0
  let waiting: Waiting[] = []
  let flushing: Promise<void> | undefined

  async function flush(): Promise<void> {
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const bytes = Buffer.from(group.map((each, place) => each.encode(place)).join(''))
      try {
        for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
        await handle.datasync()
        syncedBytes += bytes.length
        syncs += 1
      } catch (cause) {
        await takeBack(cause)
        for (const each of group) each.reject(new DiskRefused('the disk refused the write', { cause }))
        continue
      }
      for (const each of group) each.synced()
      for (const each of group) each.resolve()
    }
    flushing = undefined
  }

  /** After a failed sync nobody knows what reached the disk, so the file goes back to what is known, or we stop. */
  async function takeBack(cause: unknown): Promise<void> {
    try {
      await handle.truncate(syncedBytes)
      await handle.datasync()
    } catch {
      onBroken(cause)
    }
  }

  return {
    append: (encode, synced) =>
      new Promise((resolve, reject) => {
        waiting.push({ encode, synced, resolve, reject })
        flushing ??= flush()
      }),
    get syncedBytes() {
      return syncedBytes
    },
    get syncs() {
      return syncs
    },
    async [Symbol.asyncDispose]() {
      await flushing
      await handle.close()
    },
  }
}

function explain<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new Error(`${path}: ${(error as Error).message}`)
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
