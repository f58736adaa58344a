/**
 * On disk: newline-delimited JSON (NDJSON), one object a line, whose last member is
 *
 *   ,"checksum":"xxxxxxxx"}\n
 *
 * the CRC-32 (the polynomial of zlib and PNG) in hex of the same object's text without that member. Readers that
 * don't care for the checksum can read each line as plain JSON.
 *
 * Upgrade: each entry carries `v`; a reader refuses a version it doesn't know instead of guessing.
 */
import { crc32 } from 'node:zlib'

const tail = /,"checksum":"([0-9a-f]{8})"\}$/

/** @param value an object with at least one member */
export function encodeLine(value: object): string {
  const text = JSON.stringify(value)
  return `${text.slice(0, -1)},"checksum":"${checksum(text)}"}\n`
}

/** @returns the object without its checksum, or undefined when the line is torn or damaged */
export function decodeLine(line: string): unknown {
  const match = tail.exec(line)
  if (match === null) return undefined
  const text = `${line.slice(0, match.index)}}`
  if (checksum(text) !== match[1]) return undefined
  return JSON.parse(text)
}

/** Bytes that were acknowledged are not what was written. */
export class DamagedFile extends Error {
  override readonly name = 'DamagedFile'
  /** Everything before it is good. */
  readonly position: number
  constructor(what: string, position: number) {
    super(what)
    this.position = position
  }
}

export type DecodedFile = {
  readonly values: unknown[]
  /** Length of the good lines from the start. */
  readonly goodBytes: number
  /** Number of good lines + 1. */
  readonly nextLine: number
  /** Number of the first good line behind a bad one: nothing that a torn write could leave. */
  readonly goodAfterBad?: number
}

/**
 * Reads a whole file. What follows the last good line is a torn tail if it was never acknowledged; a bad line *before* a
 * good one, or within the first `acknowledgedBytes`, is damage, and nothing after it could be trusted.
 * @returns the objects, and the length in bytes that they take
 * @throws DamagedFile naming line and byte
 */
export function decodeFile(bytes: Buffer, acknowledgedBytes = 0): { values: unknown[]; goodBytes: number } {
  const { values, goodBytes, nextLine, goodAfterBad } = readGoodLines(bytes)
  if (goodAfterBad !== undefined)
    throw new DamagedFile(`line ${nextLine} (byte ${goodBytes}) is damaged and good lines follow it`, goodBytes)
  if (goodBytes < acknowledgedBytes)
    throw new DamagedFile(
      bytes.length < acknowledgedBytes && goodBytes === bytes.length
        ? `it ends at byte ${bytes.length}, but ${acknowledgedBytes} bytes were acknowledged`
        : `line ${nextLine} (byte ${goodBytes}) is damaged, and ${acknowledgedBytes} bytes were acknowledged`,
      goodBytes,
    )
  return { values, goodBytes }
}

/** The good lines before the first bad one. */
export function readGoodLines(bytes: Buffer): DecodedFile {
  const values: unknown[] = []
  let goodBytes = 0
  let lineNumber = 0
  let isGood = true
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    lineNumber += 1
    const value = newline < 0 ? undefined : decodeLine(bytes.toString('utf8', start, end))
    if (value === undefined) isGood = false
    else if (!isGood) return { values, goodBytes, nextLine: values.length + 1, goodAfterBad: lineNumber }
    else {
      values.push(value)
      goodBytes = end + 1
    }
    start = end + 1
  }
  return { values, goodBytes, nextLine: values.length + 1 }
}

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')
