/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82F63B78, initial value and final XOR 0xFFFFFFFF, as in RFC 3720
 * appendix B.4. Kafka's record batch v2 carries it over everything behind the checksum field, and the write-ahead log
 * seals its units with it. `zlib.crc32` computes another polynomial (IEEE 802.3), so it is of no use here.
 *
 * Slicing by 8: eight tables of 256 entries turn eight message bytes into eight independent look-ups, and the message
 * is read as 32-bit words through an Int32Array that spans its ArrayBuffer. The bytes before the first aligned word
 * and after the last pair of words go one at a time.
 */

const REFLECTED_POLYNOMIAL = 0x82f63b78

/** TABLES[k * 256 + b] is the CRC of byte b followed by k zero bytes. */
const TABLES = buildTables()

/** Below this size creating a view costs more than it saves. */
const VIEW_WORTH_BYTES = 128

const LITTLE_ENDIAN_HOST = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1

/**
 * The checksum of `bytes[start, end)` as an unsigned 32-bit number.
 *
 * @param previous the checksum of what came before, to go on with a message that is in pieces:
 *   `crc32c(b, 0, b.length, crc32c(a))` equals the checksum of a and b joined.
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length, previous = 0): number {
  if (start < 0 || end > bytes.length || start > end) {
    throw new RangeError(`crc32c range ${start}..${end} is outside 0..${bytes.length}`)
  }
  const state = ~previous
  if (end - start < VIEW_WORTH_BYTES || !LITTLE_ENDIAN_HOST) return ~byteByByte(bytes, start, end, state) >>> 0

  const misaligned = (bytes.byteOffset + start) & 3
  const wordsStart = misaligned === 0 ? start : start + 4 - misaligned
  const wordPairs = (end - wordsStart) >>> 3
  const wordsEnd = wordsStart + wordPairs * 8
  const words = new Int32Array(bytes.buffer as ArrayBuffer, bytes.byteOffset + wordsStart, wordPairs * 2)
  const afterHead = byteByByte(bytes, start, wordsStart, state)
  const afterWords = pairByPair(words, afterHead)
  return ~byteByByte(bytes, wordsEnd, end, afterWords) >>> 0
}

function pairByPair(words: Int32Array, state: number): number {
  const tables = TABLES
  let crc = state
  for (let i = 0; i < words.length; i += 2) {
    const low = crc ^ words[i]!
    const high = words[i + 1]!
    crc =
      tables[0x700 | (low & 0xff)]! ^
      tables[0x600 | ((low >>> 8) & 0xff)]! ^
      tables[0x500 | ((low >>> 16) & 0xff)]! ^
      tables[0x400 | (low >>> 24)]! ^
      tables[0x300 | (high & 0xff)]! ^
      tables[0x200 | ((high >>> 8) & 0xff)]! ^
      tables[0x100 | ((high >>> 16) & 0xff)]! ^
      tables[high >>> 24]!
  }
  return crc
}

function byteByByte(bytes: Uint8Array, start: number, end: number, state: number): number {
  let crc = state
  for (let i = start; i < end; i++) crc = TABLES[(crc ^ bytes[i]!) & 0xff]! ^ (crc >>> 8)
  return crc
}

function buildTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REFLECTED_POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let zeros = 1; zeros < 8; zeros++) {
    for (let byte = 0; byte < 256; byte++) {
      const shorter = tables[(zeros - 1) * 256 + byte]!
      tables[zeros * 256 + byte] = tables[shorter & 0xff]! ^ (shorter >>> 8)
    }
  }
  return tables
}
