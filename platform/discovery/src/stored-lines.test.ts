import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeLines, encodeLine } from './stored-lines.ts'

const lines = [encodeLine({ i: 1, text: 'один\nline' }), encodeLine({ i: 2 }), encodeLine({ i: 3 })]
const whole = lines.join('')

test('what was written is read', () => {
  assert.deepEqual(decodeLines(whole), { values: [{ i: 1, text: 'один\nline' }, { i: 2 }, { i: 3 }], tornBytes: 0 })
  assert.deepEqual(decodeLines(''), { values: [], tornBytes: 0 })
})

test('wherever a crash cuts the file, whole lines before the cut survive and nothing else', () => {
  for (let end = 0; end < whole.length; end++) {
    const { values, tornBytes } = decodeLines(whole.slice(0, end))
    const ends = lines.map((_, position) => lines.slice(0, position + 1).join('').length)
    const complete = ends.filter((lineEnd) => lineEnd <= end).length
    assert.equal(values.length, complete, `cut at ${end}`)
    assert.equal(tornBytes, Buffer.byteLength(whole.slice(complete === 0 ? 0 : ends[complete - 1], end)))
  }
})

test('a damaged last line is torn; damage before a whole line is an error that names it', () => {
  const flip = (line: string) => line.replace(/(\d)\}/, (_, digit: string) => `${9 - Number(digit)}}`)
  assert.equal(decodeLines(lines[0]! + lines[1]! + flip(lines[2]!)).values.length, 2)
  assert.throws(() => decodeLines(lines[0]! + flip(lines[1]!) + lines[2]!), /line 2 is damaged/)
})
