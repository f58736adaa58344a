import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from './crc32c.ts'

const ascending = Buffer.from(Array.from({ length: 32 }, (_, i) => i))

/** The check value of the CRC catalogue and the vectors of RFC 3720 appendix B.4. */
const vectors: readonly (readonly [name: string, message: Buffer, expected: number])[] = [
  ['nothing', Buffer.alloc(0), 0],
  ['the digits 1 to 9', Buffer.from('123456789'), 0xe3069283],
  ['32 zero bytes', Buffer.alloc(32), 0x8a9136aa],
  ['32 bytes of ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
  ['32 ascending bytes', ascending, 0x46dd794e],
  ['32 descending bytes', Buffer.from(ascending).reverse(), 0x113fdb5c],
  [
    'an iSCSI read command',
    Buffer.from(
      '01c00000000000000000000000000000140000000000040000000014000000182800000000000000020000000000' + '0000',
      'hex',
    ),
    0xd9963a56,
  ],
]

for (const [name, message, expected] of vectors) {
  test(`crc32c of ${name}`, () => {
    assert.equal(crc32c(message).toString(16), expected.toString(16))
  })
}

/** One bit at a time, straight from the definition: slow, and sharing nothing with the tables. */
function bitByBit(message: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of message) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('every alignment and length agrees with the definition', () => {
  const message = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 167 + (i >> 3)) & 0xff))
  for (let start = 0; start < 9; start++) {
    for (const length of [0, 1, 7, 8, 127, 128, 129, 130, 131, 135, 136, 137, 255, 256, 511]) {
      assert.equal(
        crc32c(message, start, start + length),
        bitByBit(message.subarray(start, start + length)),
        `start ${start}, length ${length}`,
      )
    }
  }
})

test('a message in pieces has the checksum of the whole', () => {
  const message = Buffer.from(Array.from({ length: 400 }, (_, i) => (i * 31) & 0xff))
  const whole = crc32c(message)
  for (const cut of [0, 1, 3, 4, 128, 200, 399, 400]) {
    assert.equal(crc32c(message, cut, message.length, crc32c(message, 0, cut)), whole)
  }
})

test('a range outside the buffer is refused', () => {
  assert.throws(() => crc32c(Buffer.alloc(4), 0, 5), RangeError)
  assert.throws(() => crc32c(Buffer.alloc(4), 3, 2), RangeError)
})
