/** Frames of the WebSocket protocol (RFC 6455) that break it, behind an upgrade that was granted. */

import { bearerSubprotocolPrefix, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import type { Listener } from '@svyaz/system/listeners'
import type { Attack } from './attack.ts'
import type { Step } from './wire.ts'

const soon: Step = { until: 'closed', ms: 150 }

/** A client's frame: opcode, payload masked with zeros. */
const frame = (opcode: number, payload: Buffer = Buffer.alloc(0), first = 0x80): Buffer => {
  const { length } = payload
  const size = length < 126 ? [0x80 | length] : [0x80 | 126, length >> 8, length & 255]
  return Buffer.concat([Buffer.from([first | opcode, ...size, 0, 0, 0, 0]), payload])
}

const frames: Readonly<Record<string, Buffer>> = {
  'half a frame': frame(1, Buffer.from('{"type"')).subarray(0, 8),
  'a frame of 2⁶³ bytes': Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
  'a frame of 2⁶³−1 bytes': Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 0]),
  'a frame without a mask': Buffer.from([0x81, 0x02, 0x7b, 0x7d]),
  'a reserved opcode': frame(3, Buffer.from('x')),
  'reserved bits': frame(1, Buffer.from('x'), 0xf0),
  'a continuation of nothing': frame(0, Buffer.from('x')),
  'a fragmented ping': frame(9, Buffer.from('x'), 0),
  'a ping of 126 bytes': frame(9, Buffer.alloc(126)),
  'a thousand pings': Buffer.concat(Array(1_000).fill(frame(9, Buffer.alloc(125)))),
  'no UTF-8': frame(1, Buffer.from([0xc3, 0x28])),
  binary: frame(2, Buffer.from([0, 1, 2])),
  'no JSON': frame(1, Buffer.from('{{{')),
  'JSON 20,000 deep': frame(1, Buffer.from('['.repeat(20_000))),
  'JSON of the wrong kind': frame(1, Buffer.from('null')),
  'a close with a wrong code': frame(8, Buffer.from([0, 1])),
  'a close of one byte': frame(8, Buffer.from([3])),
  garbage: Buffer.from('deadbeef00ff'.repeat(40), 'hex'),
}

const upgrade = (port: number, path: string, token: string): Step => ({
  send: [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subprotocol}, ${bearerSubprotocolPrefix}${token}`,
    '',
    '',
  ].join('\r\n'),
})

/** The sockets behind the gateway take services’ tokens only; through it they are reached all the same. */
const opensForUsers = (listener: Listener) => listener.process === 'gateway' && listener.webSocket !== undefined

export const webSocketAttacks: readonly Attack[] = Object.entries(frames).flatMap(([name, bytes]) =>
  (['closed', 'reset', 'half-close'] as const).map(
    (end): Attack => ({
      name: `WebSocket: ${name}, then ${end === 'closed' ? 'nothing' : `a ${end}`}`,
      protocols: ['http'],
      suits: opensForUsers,
      steps: ({ listener, port, token }) =>
        token === undefined
          ? []
          : [
              upgrade(port, listener.webSocket ?? '/', token),
              { until: 'answered', ms: 2_000 },
              { send: bytes },
              ...(end === 'closed' ? [] : [end]),
              soon,
            ],
    }),
  ),
)
