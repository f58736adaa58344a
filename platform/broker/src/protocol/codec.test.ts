import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { apis } from '../apis/table.ts'
import { MalformedMessage, Reader, Writer } from './bytes.ts'
import { decoderOf, encoderOf } from './codec.ts'
import { apiVersionsRequest } from './messages/api-versions.ts'
import { fetchResponse } from './messages/fetch.ts'
import { findCoordinatorResponse } from './messages/find-coordinator.ts'
import { heartbeatRequest } from './messages/group-membership.ts'
import { metadataRequest } from './messages/metadata.ts'
import { array, type Field, int32, type Message, message, type Shape, string } from './schema.ts'

function encode(definition: Message, version: number, value: object): Buffer {
  const writer = new Writer()
  encoderOf(definition, version)(writer, value as never)
  return Buffer.concat(writer.parts())
}

function decode(definition: Message, version: number, bytes: Buffer): Record<string, unknown> {
  const reader = new Reader(bytes)
  const value = decoderOf(definition, version)(reader)
  assert.equal(reader.remaining, 0, 'nothing is left over')
  return value as Record<string, unknown>
}

/** A value of a shape in which every field differs from its default and from its neighbours. */
function sample(shape: Shape, version: number, seed = { next: 1 }): Record<string, unknown> {
  const value: Record<string, unknown> = {}
  for (const [name, field] of Object.entries(shape)) {
    const exists = version >= field.since && version <= field.until
    value[name] = exists ? sampleField(field, version, seed) : field.default
  }
  return value
}

function sampleField(field: Field, version: number, seed: { next: number }): unknown {
  const number = seed.next++
  switch (field.kind) {
    case 'bool':
      return field.default !== true
    case 'int8':
      return (number % 100) + 1
    case 'int16':
    case 'int32':
      return number + 200
    case 'int64':
      return BigInt(number) << 33n
    case 'uuid':
      return `01234567-89ab-4def-8123-${String(number).padStart(12, '0')}`
    case 'string':
      return `текст ${number}`
    case 'bytes':
      return Buffer.from([number & 255, 1, 2])
    case 'records':
      return [Buffer.from([number & 255, 3, 4, 5])]
    case 'array':
      return [0, 1].map(() =>
        field.shape ? sample(field.shape, version, seed) : sampleField(field.element as Field, version, seed),
      )
    case 'struct':
      return sample(field.shape as Shape, version, seed)
  }
}

/** Every nullable field null. */
function nulls(shape: Shape, version: number): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(shape).map(([name, field]) => {
      if (version < field.since || version > field.until) return [name, field.default]
      if (version >= field.nullableSince) return [name, null]
      if (field.shape && field.kind === 'array') return [name, [nulls(field.shape, version)]]
      return [name, field.tag === undefined ? sampleField(field, version, { next: 1 }) : field.default]
    }),
  )
}

describe('every message in every version', () => {
  for (const api of apis) {
    for (const definition of [api.request, api.response]) {
      it(`${definition.name} ${api.min}–${api.max} reads back what it wrote`, () => {
        for (let version = api.min; version <= api.max; version++) {
          const full = sample(definition.fields, version)
          assert.deepEqual(decode(definition, version, encode(definition, version, full)), full, `version ${version}`)
          const empty = nulls(definition.fields, version)
          assert.deepEqual(decode(definition, version, encode(definition, version, empty)), empty, `version ${version}`)
        }
      })

      it(`${definition.name} ${api.min}–${api.max} refuses any message that is cut short`, () => {
        for (let version = api.min; version <= api.max; version++) {
          const bytes = encode(definition, version, sample(definition.fields, version))
          for (let end = 0; end < bytes.length; end++) {
            assert.throws(
              () => decoderOf(definition, version)(new Reader(bytes.subarray(0, end))),
              MalformedMessage,
              `version ${version}, ${end} of ${bytes.length} bytes`,
            )
          }
        }
      })
    }
  }
})

/** Written out by hand from the protocol guide, so that a fault in both directions at once is seen. */
const written: readonly { message: Message; version: number; value: object; hex: string }[] = [
  { message: apiVersionsRequest, version: 0, value: {}, hex: '' },
  {
    message: apiVersionsRequest,
    version: 3,
    value: { clientSoftwareName: 'kcat', clientSoftwareVersion: '1.7' },
    hex: '056b63617404312e3700',
  },
  { message: metadataRequest, version: 0, value: { topics: [] }, hex: '00000000' },
  { message: metadataRequest, version: 1, value: { topics: null }, hex: 'ffffffff' },
  {
    message: metadataRequest,
    version: 4,
    value: { topics: [{ name: 'ab', topicId: '' }], allowAutoTopicCreation: true },
    hex: '00000001 0002 6162 01',
  },
  {
    message: metadataRequest,
    version: 12,
    value: { topics: [{ name: null, topicId: '00112233-4455-6677-8899-aabbccddeeff' }], allowAutoTopicCreation: false },
    hex: '02 00112233445566778899aabbccddeeff 00 00 00 00 00',
  },
  {
    message: heartbeatRequest,
    version: 3,
    value: { groupId: 'g', generationId: 5, memberId: 'm', groupInstanceId: null },
    hex: '0001 67 00000005 0001 6d ffff',
  },
  {
    message: heartbeatRequest,
    version: 4,
    value: { groupId: 'g', generationId: 5, memberId: 'm', groupInstanceId: 'i' },
    hex: '02 67 00000005 02 6d 02 69 00',
  },
  {
    message: findCoordinatorResponse,
    version: 0,
    value: { errorCode: 0, nodeId: 1, host: 'h', port: 9092 },
    hex: '0000 00000001 0001 68 00002384',
  },
  {
    message: findCoordinatorResponse,
    version: 4,
    value: { coordinators: [{ key: 'g', nodeId: 1, host: 'h', port: 9092, errorCode: 0 }] },
    hex: '00000000 02 02 67 00000001 02 68 00002384 0000 00 00 00',
  },
  {
    message: fetchResponse,
    version: 12,
    value: {
      responses: [
        {
          topic: 't',
          topicId: '',
          partitions: [
            {
              partitionIndex: 0,
              errorCode: 0,
              highWatermark: 1n,
              currentLeader: { leaderId: 1, leaderEpoch: 0 },
              records: [Buffer.from('aa', 'hex'), Buffer.from('bb', 'hex')],
            },
          ],
        },
      ],
    },
    hex: `00000000 0000 00000000 02 02 74 02
          00000000 0000 0000000000000001 ffffffffffffffff ffffffffffffffff 00 ffffffff 03 aabb
          01 01 09 00000001 00000000 00
          00 00`,
  },
]

describe('the bytes of a message', () => {
  for (const { message: definition, version, value, hex } of written) {
    it(`${definition.name} ${version} are those of the protocol guide`, () => {
      assert.equal(encode(definition, version, value).toString('hex'), hex.replaceAll(/\s/g, ''))
    })
  }
})

describe('a decoder', () => {
  const known = message('Known', 0, { number: int32(), extra: string({ since: 0, tag: 7, default: '' }) })

  it('skips tags that it does not know, and reads those that it does', () => {
    const bytes = Buffer.from('00000001 02 05 03 aabbcc 07 02 02 78'.replaceAll(' ', ''), 'hex')
    assert.deepEqual(decode(known, 0, bytes), { number: 1, extra: 'x' })
  })

  it('refuses an array that claims more elements than there are bytes', () => {
    const list = message('List', 99, { entries: array({ number: int32() }) })
    assert.throws(() => decode(list, 0, Buffer.from('7fffffff00000001', 'hex')), MalformedMessage)
  })

  it('refuses null where the version has none, and varints without an end', () => {
    assert.throws(() => decode(metadataRequest, 0, Buffer.from('ffffffff', 'hex')), MalformedMessage)
    assert.throws(() => new Reader(Buffer.from('ffffffffffff', 'hex')).unsignedVarint(), MalformedMessage)
    assert.throws(() => new Reader(Buffer.from('ffffffff7f', 'hex')).unsignedVarint(), MalformedMessage)
  })
})

describe('an encoder', () => {
  it('passes record batches on by reference', () => {
    const batch = Buffer.alloc(1_000, 1)
    const writer = new Writer()
    encoderOf(fetchResponse, 12)(writer, {
      responses: [
        {
          topic: 't',
          topicId: '',
          partitions: [{ partitionIndex: 0, errorCode: 0, highWatermark: 0n, records: [batch] }],
        },
      ],
    })
    assert.ok(writer.parts().includes(batch))
  })

  it('refuses null where the version has none', () => {
    assert.throws(() => encode(metadataRequest, 0, { topics: null }), TypeError)
  })

  it('grows past its first chunk', () => {
    const writer = new Writer()
    for (let index = 0; index < 5_000; index++) writer.int32(index)
    const all = Buffer.concat(writer.parts())
    assert.equal(all.length, 20_000)
    assert.equal(all.readInt32BE(4 * 4_321), 4_321)
  })
})
