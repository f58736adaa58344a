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

/**
 * Reads a whole file. What follows the last good line is a torn tail: it was never synced, so never acknowledged.
 * A bad line *before* a good one is damage, not a torn write, and nothing after it could be trusted.
 * @returns the objects, and the length in bytes that they take
 * @throws when a damaged line stands before a good one
 */
export function decodeFile(bytes: Buffer): { values: unknown[]; goodBytes: number } {
  const values: unknown[] = []
  let goodBytes = 0
  let badLine = 0
  let lineNumber = 0
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(10, start)
    const end = newline < 0 ? bytes.length : newline
    lineNumber += 1
    const value = newline < 0 ? undefined : decodeLine(bytes.toString('utf8', start, end))
    if (value === undefined) badLine ||= lineNumber
    else if (badLine > 0) throw new Error(`line ${badLine} is damaged and good lines follow it: restore the file`)
    else {
      values.push(value)
      goodBytes = end + 1
    }
    start = end + 1
  }
  return { values, goodBytes }
}

const checksum = (text: string) => crc32(text).toString(16).padStart(8, '0')
