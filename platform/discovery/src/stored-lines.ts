/** Lines of the journal and the snapshot: `<CRC-32 of the JSON, 8 hex digits> <JSON>\n`. Pure. */
import { crc32 } from 'node:zlib'

/** A value as a line of a file: checksum, JSON, line end. */
export function encodeLine(value: unknown): string {
  const json = JSON.stringify(value)
  return `${checksum(json)} ${json}\n`
}

/** @returns the value, or undefined when the line is incomplete or damaged */
export function decodeLine(line: string): unknown {
  if (line.length < 10 || line[8] !== ' ') return undefined
  const json = line.slice(9)
  if (checksum(json) !== line.slice(0, 8)) return undefined
  return JSON.parse(json)
}

/**
 * Splits a journal. What a crash cut off is at the end and is dropped; damage with whole lines after it is not the work of
 * a crash, and is reported instead of losing what follows.
 *
 * @returns the values in order, and the number of bytes dropped from the end
 * @throws Error naming the line when there is damage before a whole line
 */
export function decodeLines(text: string): { readonly values: readonly unknown[]; readonly tornBytes: number } {
  const values: unknown[] = []
  let offset = 0
  let damagedLine: number | null = null
  let tornFrom = text.length
  for (let number = 1; offset < text.length; number++) {
    const end = text.indexOf('\n', offset)
    const value = end === -1 ? undefined : decodeLine(text.slice(offset, end))
    if (value === undefined) {
      damagedLine ??= number
      tornFrom = Math.min(tornFrom, offset)
    } else if (damagedLine !== null) {
      throw new Error(`line ${damagedLine} is damaged although whole lines follow it`)
    } else {
      values.push(value)
    }
    offset = end === -1 ? text.length : end + 1
  }
  return { values, tornBytes: Buffer.byteLength(text.slice(tornFrom)) }
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(8, '0')
}
