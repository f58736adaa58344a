/** Reads instances' log files: their last lines, and what comes after. Works whether or not the system runs. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { StringDecoder } from 'node:string_decoder'
import { setTimeout as delay } from 'node:timers/promises'

/** Where an instance's log is. */
export const logFile = (directory: string, instance: string): string => join(directory, `${instance}.log`)

const readBytes = 64 * 1024
const followPollMs = 150

/** The last lines of a file, oldest first; continues into the file set aside by rotation. None when there is no file. */
export function lastLines(path: string, count: number): string[] {
  const here = tail(path, count)
  return here.length >= count ? here : [...tail(`${path}.1`, count - here.length), ...here]
}

function tail(path: string, count: number): string[] {
  const file = open(path)
  if (file === undefined || count <= 0) return []
  try {
    let at = fstatSync(file).size
    const chunks: Buffer[] = []
    let newlines = 0
    // One newline more than lines: the file ends with one.
    while (at > 0 && newlines <= count) {
      const chunk = Buffer.alloc(Math.min(readBytes, at))
      at -= chunk.length
      readSync(file, chunk, 0, chunk.length, at)
      for (const byte of chunk) if (byte === 0x0a) newlines += 1
      chunks.unshift(chunk)
    }
    const lines = Buffer.concat(chunks).toString('utf8').split('\n')
    if (lines.at(-1) === '') lines.pop()
    return lines.slice(-count)
  } finally {
    closeSync(file)
  }
}

/** New lines from now on, across rotation; the file need not exist yet. Ends when the signal aborts. */
export async function* followLines(path: string, signal: AbortSignal): AsyncGenerator<string> {
  let inode = statSync(path, { throwIfNoEntry: false })?.ino
  let at = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  let decoder = new StringDecoder('utf8')
  let rest = ''
  while (!signal.aborted) {
    const now = statSync(path, { throwIfNoEntry: false })
    if (now && now.ino !== inode) {
      // Rotated: first what was still to be read of the old file.
      if (inode !== undefined) yield* take(`${path}.1`)
      inode = now.ino
      at = 0
      rest = ''
      decoder = new StringDecoder('utf8')
    }
    if (now && now.size > at) yield* take(path)
    await delay(followPollMs, undefined, { signal }).catch(() => {})
  }

  function* take(from: string): Generator<string> {
    const file = open(from)
    if (file === undefined) return
    try {
      const chunk = Buffer.alloc(readBytes)
      for (
        let read = readSync(file, chunk, 0, readBytes, at);
        read > 0;
        read = readSync(file, chunk, 0, readBytes, at)
      ) {
        at += read
        const lines = (rest + decoder.write(chunk.subarray(0, read))).split('\n')
        rest = lines.pop() ?? ''
        yield* lines
      }
    } finally {
      closeSync(file)
    }
  }
}

function open(path: string): number | undefined {
  try {
    return openSync(path, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
