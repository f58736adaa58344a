/** HTTP/2 (RFC 9113) and gRPC on it, frame by frame; floods are bounded. */
import type { Attack, AttackContext } from './attack.ts'
import type { Step } from './wire.ts'

const soon: Step = { until: 'closed', ms: 100 }
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

const types = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  more: 9,
}
const endStream = 1
const endHeaders = 4

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream >>> 0, 5)
  return Buffer.concat([head, payload])
}

const int32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}

/** A literal field without indexing (RFC 7541, 6.2.2), names and values below 127 bytes. */
const field = (name: string, value: string): Buffer =>
  Buffer.concat([
    Buffer.from([0, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value, 'latin1'),
  ])

const healthPath = '/grpc.health.v1.Health/Check'
const head = ({ port }: AttackContext, changes: Readonly<Record<string, string>> = {}): Buffer =>
  Buffer.concat(
    Object.entries({
      ':method': 'POST',
      ':scheme': 'http',
      ':path': healthPath,
      ':authority': `127.0.0.1:${port}`,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...changes,
    }).map(([name, value]) => field(name, value)),
  )

const settings = frame(types.settings, 0, 0)
const start = Buffer.concat([preface, settings])
const call = (context: AttackContext, stream = 1, changes?: Readonly<Record<string, string>>): Buffer =>
  frame(types.headers, endHeaders, stream, head(context, changes))
/** A gRPC message says its length itself: one byte of flags, four of length. */
const message = (length: number, bytes: Buffer = Buffer.alloc(0), flags = 0): Buffer =>
  Buffer.concat([Buffer.from([flags]), int32(length), bytes])
const odd = (count: number) => Array.from({ length: count }, (_, n) => 2 * n + 1)

const sent: Readonly<Record<string, (context: AttackContext) => Buffer>> = {
  'half a preface': () => preface.subarray(0, 10),
  'a preface alone': () => preface,
  'half a frame': () => Buffer.concat([preface, settings.subarray(0, 5)]),
  'a frame of 16 MB': () => Buffer.concat([start, frame(types.data, 0, 1, Buffer.alloc(0), 0xffffff)]),
  'SETTINGS of an odd length': () => Buffer.concat([preface, frame(types.settings, 0, 0, Buffer.alloc(5))]),
  'SETTINGS out of range': () =>
    Buffer.concat([preface, frame(types.settings, 0, 0, Buffer.from('0004ffffffff00050000000100020000000f', 'hex'))]),
  'SETTINGS on a stream': () => Buffer.concat([start, frame(types.settings, 0, 1)]),
  'a flood of 500 SETTINGS': () => Buffer.concat([preface, ...Array(500).fill(settings)]),
  'a flood of 500 PINGs': () => Buffer.concat([start, ...Array(500).fill(frame(types.ping, 0, 0, Buffer.alloc(8)))]),
  'a PING of seven bytes': () => Buffer.concat([start, frame(types.ping, 0, 0, Buffer.alloc(7))]),
  'HEADERS on stream 0': (context) => Buffer.concat([start, frame(types.headers, endHeaders, 0, head(context))]),
  'HEADERS on an even stream': (context) => Buffer.concat([start, call(context, 2)]),
  'HPACK garbage': () => Buffer.concat([start, frame(types.headers, endHeaders, 1, Buffer.alloc(200, 0xff))]),
  'an endless header block': (context) =>
    Buffer.concat([
      start,
      frame(types.headers, 0, 1, head(context)),
      ...Array(200).fill(frame(types.more, 0, 1, field('x', 'y'.repeat(100)))),
    ]),
  'rapid reset, 200 streams': (context) =>
    Buffer.concat([
      start,
      ...odd(200).flatMap((stream) => [call(context, stream), frame(types.reset, 0, stream, int32(8))]),
    ]),
  '300 open streams': (context) => Buffer.concat([start, ...odd(300).map((stream) => call(context, stream))]),
  'DATA on an idle stream': () => Buffer.concat([start, frame(types.data, 0, 5, Buffer.from('x'))]),
  'a window of 0': () => Buffer.concat([start, frame(types.window, 0, 0, int32(0))]),
  'a window beyond 2³¹': () => Buffer.concat([start, ...Array(3).fill(frame(types.window, 0, 0, int32(0x7fffffff)))]),
  'a stream that depends on itself': () =>
    Buffer.concat([start, frame(types.priority, 0, 1, Buffer.from([0, 0, 0, 1, 0]))]),
  'PUSH_PROMISE from a client': () => Buffer.concat([start, frame(types.push, endHeaders, 1, int32(2))]),
  'GOAWAY at once': () => Buffer.concat([start, frame(types.goAway, 0, 0, Buffer.alloc(8))]),
  'an unknown frame': () => Buffer.concat([start, frame(0xfa, 0xff, 7, Buffer.alloc(100))]),
  'a call without its message': (context) => Buffer.concat([start, call(context)]),
  'a call that ends without a message': (context) =>
    Buffer.concat([start, frame(types.headers, endHeaders | endStream, 1, head(context))]),
  'a message of 4 GB': (context) =>
    Buffer.concat([start, call(context), frame(types.data, endStream, 1, message(0xffffffff, Buffer.from('x')))]),
  'half a message': (context) =>
    Buffer.concat([start, call(context), frame(types.data, endStream, 1, message(100, Buffer.from('x')))]),
  'a compressed message that is none': (context) =>
    Buffer.concat([start, call(context), frame(types.data, endStream, 1, message(3, Buffer.from('xyz'), 1))]),
  'a message that is not Protobuf': (context) =>
    Buffer.concat([
      start,
      call(context, 1, { ':path': '/svyaz.orders.v1.OrderService/GetOrder' }),
      frame(types.data, endStream, 1, message(6, Buffer.from('ffffffffff07', 'hex'))),
    ]),
  'a method that there is not': (context) => Buffer.concat([start, call(context, 1, { ':path': '/a.B/C' })]),
  'a path that is none': (context) => Buffer.concat([start, call(context, 1, { ':path': '//[%' })]),
  'a GET': (context) => Buffer.concat([start, call(context, 1, { ':method': 'GET' })]),
  'another content type': (context) => Buffer.concat([start, call(context, 1, { 'content-type': 'text/html' })]),
  'a time-out that is none': (context) => Buffer.concat([start, call(context, 1, { 'grpc-timeout': '-1X' })]),
  'a deadline that is over': (context) => Buffer.concat([start, call(context, 1, { 'grpc-timeout': '0n' })]),
  'metadata that is not base64': (context) =>
    Buffer.concat([start, call(context, 1, { 'x-bin': '%%%', authorization: '\xff' })]),
  'a name in capitals': (context) => Buffer.concat([start, call(context, 1, { 'X-Upper': '1' })]),
}

export const grpcAttacks: readonly Attack[] = Object.entries(sent).flatMap(([name, send]): Attack[] => [
  { name: `HTTP/2: ${name}`, protocols: ['grpc'], steps: (context) => [{ send: send(context) }, soon] },
  {
    name: `HTTP/2: ${name}, then a reset`,
    protocols: ['grpc'],
    steps: (context) => [{ send: send(context) }, 'reset'],
  },
  {
    name: `HTTP/2: ${name}, then a half-close`,
    protocols: ['grpc'],
    steps: (context) => [{ send: send(context) }, 'half-close', soon],
  },
])
