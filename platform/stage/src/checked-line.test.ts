import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeFile, decodeLine, encodeLine } from './checked-line.ts'

const lines = [encodeLine({ a: 1 }), encodeLine({ text: 'zwölf, "checksum":"00000000"}' }), encodeLine({ b: [2] })]
const whole = Buffer.from(lines.join(''))
const values = [{ a: 1 }, { text: 'zwölf, "checksum":"00000000"}' }, { b: [2] }]

test('a line is plain JSON with a checksum that readers may ignore', () => {
  assert.equal(lines[0], '{"a":1,"checksum":"561bacaf"}\n')
  assert.deepEqual(decodeLine('{"a":1,"checksum":"561bacaf"}'), { a: 1 })
})

test('a file cut at any byte gives every whole line before the cut and the length to keep', () => {
  for (let cut = 0; cut <= whole.length; cut += 1) {
    const { values: read, goodBytes } = decodeFile(whole.subarray(0, cut))
    assert.deepEqual(read, values.slice(0, read.length), `cut at ${cut}`)
    assert.equal(goodBytes, Buffer.byteLength(lines.slice(0, read.length).join('')), `cut at ${cut}`)
    assert.ok(cut - goodBytes < Buffer.byteLength(lines[read.length] ?? 'x'), `nothing whole is dropped at ${cut}`)
  }
})

test('one flipped bit in the last line drops it, in an earlier line refuses the file', () => {
  const lastStart = whole.length - Buffer.byteLength(lines[2] ?? '')
  for (let at = 0; at < whole.length; at += 1) {
    for (const bit of [1, 64]) {
      const damaged = Buffer.from(whole)
      damaged.writeUInt8(damaged.readUInt8(at) ^ bit, at)
      // Without the newline before it, the last line is one with the line before: that looks like one torn write.
      if (at === lastStart - 1)
        assert.deepEqual(decodeFile(damaged).values, values.slice(0, 1), `byte ${at} bit ${bit}`)
      else if (at >= lastStart)
        assert.deepEqual(decodeFile(damaged).values, values.slice(0, 2), `byte ${at} bit ${bit}`)
      else assert.throws(() => decodeFile(damaged), /line \d \(byte \d+\) is damaged/, `byte ${at} bit ${bit}`)
    }
  }
})
