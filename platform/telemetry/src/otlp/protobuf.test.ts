import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Malformed } from './malformed.ts'
import type { MessageName } from './messages.ts'
import { messages } from './messages.ts'
import { decodeMessage, encodeAnswer, encodeStatus } from './protobuf.ts'

const varint = (value: number | bigint): number[] => {
  const bytes: number[] = []
  let rest = BigInt(value)
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}
const field = (number: number, wire: number, ...bytes: number[]) => [...varint(number * 8 + wire), ...bytes]
const part = (number: number, ...bytes: number[]) => field(number, 2, ...varint(bytes.length), ...bytes)
const string = (number: number, text: string) => part(number, ...Buffer.from(text))
const fixed = (number: number, value: bigint) => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64LE(value)
  return field(number, 1, ...bytes)
}
const double = (number: number, value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return field(number, 1, ...bytes)
}
const decode = (name: MessageName, ...bytes: number[]) => decodeMessage(name, Buffer.from(bytes))

describe('protobuf becomes what JSON would have been', () => {
  test('a span', () => {
    const keyValue = (key: string, ...value: number[]) => [...string(1, key), ...part(2, ...value)]
    const span = [
      ...part(1, ...Buffer.from('0102030405060708090a0b0c0d0e0f10', 'hex')),
      ...part(2, ...Buffer.from('a1a2a3a4a5a6a7a8', 'hex')),
      ...string(3, 'state that nobody reads'),
      ...string(5, 'GET /é'),
      ...field(6, 0, 2),
      ...fixed(7, 1_700_000_000_000_000_001n),
      ...fixed(8, 2n ** 64n - 1n),
      ...part(9, ...keyValue('s', ...string(1, 'x'))),
      ...part(9, ...keyValue('b', ...field(2, 0, 1))),
      ...part(9, ...keyValue('i', ...field(3, 0, ...varint(2n ** 64n - 5n)))),
      ...part(9, ...keyValue('d', ...double(4, 0.5))),
      ...part(9, ...keyValue('l', ...part(5, ...part(1, ...string(1, 'y')), ...part(1)))),
      ...field(99, 0, 7),
      ...field(98, 1, 1, 2, 3, 4, 5, 6, 7, 8),
      ...field(97, 5, 1, 2, 3, 4),
      ...part(15, ...string(2, 'broke'), ...field(3, 0, 2)),
    ]
    assert.deepEqual(decode('TracesRequest', ...part(1, ...part(2, ...part(2, ...span)))), {
      resourceSpans: [
        {
          scopeSpans: [
            {
              spans: [
                {
                  traceId: '0102030405060708090a0b0c0d0e0f10',
                  spanId: 'a1a2a3a4a5a6a7a8',
                  name: 'GET /é',
                  kind: 2,
                  startTimeUnixNano: '1700000000000000001',
                  endTimeUnixNano: '18446744073709551615',
                  attributes: [
                    { key: 's', value: { stringValue: 'x' } },
                    { key: 'b', value: { boolValue: true } },
                    { key: 'i', value: { intValue: '-5' } },
                    { key: 'd', value: { doubleValue: 0.5 } },
                    { key: 'l', value: { arrayValue: { values: [{ stringValue: 'y' }, {}] } } },
                  ],
                  status: { message: 'broke', code: 2 },
                },
              ],
            },
          ],
        },
      ],
    })
  })

  test('numbers in a row, packed or not', () => {
    const counts = [...fixed(6, 1n).slice(1), ...fixed(6, 2n).slice(1)]
    const point = { bucketCounts: ['1', '2'], explicitBounds: [0.25] }
    const bounds = double(7, 0.25)
    assert.deepEqual(decode('HistogramPoint', ...part(6, ...counts), ...bounds), point)
    assert.deepEqual(decode('HistogramPoint', ...fixed(6, 1n), ...fixed(6, 2n), ...part(7, ...bounds.slice(1))), point)
  })
})

describe('what is not protobuf is refused', () => {
  const deep = (levels: number): number[] => {
    let bytes = string(1, 'x')
    for (let level = 0; level < levels; level += 1) bytes = part(5, ...part(1, ...bytes))
    return bytes
  }
  const cases: readonly (readonly [string, MessageName, number[]])[] = [
    ['a length beyond the end', 'TracesRequest', [0x0a, 0x7f, 0]],
    ['a length of an exabyte', 'TracesRequest', [0x0a, ...varint(2n ** 60n)]],
    ['a varint that does not end', 'Span', [0x30, ...new Array(11).fill(0xff)]],
    ['half a number', 'Span', [0x39, 1, 2]],
    ['a wire type that there is not', 'Span', [0x0f]],
    ['a text where a number belongs', 'Span', string(6, 'server')],
    ['a list of halves', 'HistogramPoint', part(6, 1, 2, 3)],
    ['attributes that nest', 'AnyValue', deep(200)],
  ]
  for (const [what, name, bytes] of cases) test(what, () => assert.throws(() => decode(name, ...bytes), Malformed))

  test('noise never does anything but that', () => {
    let state = 4711
    const random = () => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      return state >>> 8
    }
    const names = Object.keys(messages) as MessageName[]
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = Array.from({ length: random() % 60 }, () => random() & 0xff)
      try {
        decode(names[round % names.length] as MessageName, ...bytes)
      } catch (error) {
        assert.ok(error instanceof Malformed, `${error}`)
      }
    }
  })
})

test('answers', () => {
  assert.equal(encodeAnswer(0, '').length, 0)
  assert.deepEqual([...encodeAnswer(300, 'no')], [...part(1, 0x08, ...varint(300), ...string(2, 'no'))])
  assert.deepEqual([...encodeStatus('no')], string(2, 'no'))
})
