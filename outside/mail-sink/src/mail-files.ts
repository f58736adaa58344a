/**
 * Mails on the disk: files `mails-0000000001.ndjson`, each named for the first mail in it, each line as in
 * `checked-line.ts`. A full file is closed and the next one begun; the oldest go when there are too many.
 */
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeFile, encodeLine, openSyncedFile, type SyncedFile } from '@svyaz/stage'
import type { Received } from './mailbox.ts'

export type FileLimits = { readonly fileBytesMax: number; readonly filesMax: number }

export type MailFiles = AsyncDisposable & {
  /** Resolves when the mail is on the disk. `number` gives its place, `kept` runs in that order. */
  append(mail: Omit<Received, 'v' | 'sequence'>, kept: (received: Received) => void): Promise<void>
}

/** Calls `each` for every mail on the disk, oldest first, then is ready for more. */
export async function openMailFiles(
  directory: string,
  limits: FileLimits,
  each: (received: Received) => void,
  onBroken: (error: unknown) => void,
): Promise<MailFiles> {
  await mkdir(directory, { recursive: true })
  let names = (await readdir(directory)).filter((name) => /^mails-\d{10}\.ndjson$/.test(name)).sort()
  let sequence = 0
  const take = (value: unknown) => {
    const received = value as Received
    sequence = received.sequence
    each(received)
  }
  for (const name of names.slice(0, -1)) decodeFile(await readFile(join(directory, name))).values.forEach(take)
  const current = names.at(-1) ?? fileName(1)
  if (names.length === 0) names = [current]
  const opened = await openSyncedFile(join(directory, current), onBroken)
  opened.values.forEach(take)
  let file: SyncedFile = opened.file
  let changing: Promise<void> | undefined

  /** A new file that can't be opened leaves the old one in use. Appends under way end before the first new one. */
  async function changeFile(): Promise<void> {
    const name = fileName(sequence + 1)
    const next = (await openSyncedFile(join(directory, name), onBroken)).file
    const full = file
    file = next
    names.push(name)
    await full[Symbol.asyncDispose]()
    while (names.length > limits.filesMax) await rm(join(directory, names.shift() ?? ''), { force: true })
  }

  return {
    async append(mail, kept) {
      if (file.syncedBytes >= limits.fileBytesMax && changing === undefined)
        changing = changeFile().finally(() => {
          changing = undefined
        })
      // No await without need: between it and the append below the file could change.
      while (changing !== undefined) await changing
      let received: Received
      await file.append(
        (place) => {
          received = { v: 1, sequence: sequence + 1 + place, ...mail }
          return encodeLine(received)
        },
        () => {
          sequence = received.sequence
          kept(received)
        },
      )
    },
    async [Symbol.asyncDispose]() {
      await changing
      await file[Symbol.asyncDispose]()
    },
  }
}

const fileName = (first: number) => `mails-${String(first).padStart(10, '0')}.ndjson`
