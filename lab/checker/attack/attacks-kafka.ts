/** Frames of Kafka's protocol that lie about their length, their version or what is in them. */
import type { Attack, AttackContext } from './attack.ts'
import type { Step } from './wire.ts'

const kafka = ['kafka'] as const
const soon: Step = { until: 'closed', ms: 100 }

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value | 0)
  return bytes
}
const int16 = (value: number) => int32(value).subarray(2)

const frame = (body: Buffer, length = body.length): Buffer => Buffer.concat([int32(length), body])

/** Request header v1 (key, version, correlation id, client id), then the body. */
const request = (key: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer =>
  Buffer.concat([int16(key), int16(version), int32(7), int16(-1), body])

/** ApiVersions v0: what a client says first. The answer is a size, the correlation id 7 and an error code. */
export const apiVersions: Buffer = frame(request(18, 0))

/** Beyond the last key that Kafka has. */
const keysTried = 76

const bytesOf = ({ random }: AttackContext, count: number) =>
  Buffer.from(Array.from({ length: count }, () => random.between(0, 255)))

const cases: Readonly<Record<string, (context: AttackContext) => readonly Step[]>> = {
  'a frame of 2 GB': () => [{ send: int32(0x7fffffff) }, soon],
  'a frame of −1 bytes': () => [{ send: int32(-1) }, soon],
  'a frame of no bytes': () => [{ send: int32(0) }, soon],
  'a frame shorter than its header': () => [{ send: frame(Buffer.from([0, 18])) }, soon],
  'half a length, then a reset': () => [{ send: Buffer.from([0, 0]) }, 'reset'],
  'half a frame, then a reset': () => [{ send: apiVersions.subarray(0, 9) }, 'reset'],
  'half a frame, then a half-close': () => [{ send: apiVersions.subarray(0, 9) }, 'half-close', soon],
  'a request, then a reset': () => [{ send: apiVersions }, 'reset'],
  'a request, then a half-close': () => [{ send: apiVersions }, 'half-close', soon],
  'three hundred requests, then a reset': () => [{ send: Buffer.concat(Array(300).fill(apiVersions)) }, 'reset'],
  'a version that there is not': () => [{ send: frame(request(18, 32_767)) }, soon],
  'a client id of 32,767 bytes that are not there': () => [
    { send: frame(Buffer.concat([int16(3), int16(1), int32(1), int16(32_767)])) },
    soon,
  ],
  'an array of 2³¹−1 topics': () => [{ send: frame(request(3, 1, int32(0x7fffffff))) }, soon],
  'a Produce of 2³¹−1 bytes that are not there': () => [
    {
      send: frame(
        request(
          0,
          3,
          Buffer.concat([
            int16(-1),
            int16(-1),
            int32(1_000),
            int32(1),
            int16(1),
            Buffer.from('t'),
            int32(1),
            int32(0),
            int32(0x7fffffff),
          ]),
        ),
      ),
    },
    soon,
  ],
  'a Fetch of everything, abandoned': () => [
    {
      send: frame(
        request(1, 4, Buffer.concat([int32(-1), int32(500), int32(1), int32(0x7fffffff), Buffer.from([0]), int32(0)])),
      ),
    },
    'reset',
  ],
}

export const kafkaAttacks: readonly Attack[] = [
  ...Object.entries(cases).map(([name, steps]): Attack => ({ name, protocols: kafka, steps })),
  ...Array.from({ length: keysTried }, (_, key) => key).map(
    (key): Attack => ({
      name: `garbage as the body of request ${key}`,
      protocols: kafka,
      steps: (context) => [
        { send: frame(request(key, context.random.between(0, 12), bytesOf(context, context.random.between(0, 300)))) },
        { until: 'answered', ms: 50 },
        context.random.chance(0.5) ? 'reset' : 'half-close',
      ],
    }),
  ),
]
