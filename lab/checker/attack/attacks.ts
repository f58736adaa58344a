/**
 * What a stranger may send, as data: each attack is a list of steps on one connection, for the protocols that it makes
 * sense for. The suite carries each out against every listener; the campaign draws from the same list.
 */

import type { Listener, Protocol } from '@svyaz/system/listeners'
import type { Random } from '../random.ts'
import type { Attack } from './attack.ts'
import { grpcAttacks } from './attacks-grpc.ts'

export { slowBody, slowHead } from './attacks-http.ts'

import { bodyAttacks, headAttacks, hostAttacks, targetAttacks, upgradeAttacks } from './attacks-http.ts'
import { kafkaAttacks } from './attacks-kafka.ts'
import { smtpAttacks } from './attacks-smtp.ts'
import { webSocketAttacks } from './attacks-websocket.ts'
import type { Step } from './wire.ts'

export const attacked: readonly Protocol[] = ['http', 'https', 'grpc', 'kafka', 'smtp', 'control']

/** As many garbage bytes as this at most. */
const garbageBytesMax = 4_096

/** Random bytes, as many as asked for or some. */
export const garbage = (random: Random, bytes = random.between(1, garbageBytesMax)): Buffer =>
  Buffer.from(Array.from({ length: bytes }, () => random.between(0, 255)))

/** The first bytes of a TLS 1.3 ClientHello, as a browser sends them that was sent to the wrong port. */
const clientHello = Buffer.concat([Buffer.from('16030100f8010000f40303', 'hex'), Buffer.alloc(0xf1, 0x5a)])
const answerSoon: Step = { until: 'closed', ms: 100 }

/** What needs no protocol. */
const anywhere: readonly Attack[] = [
  { name: 'a reset instead of a word', protocols: attacked, steps: () => ['reset'] },
  { name: 'a half-close instead of a word', protocols: attacked, steps: () => ['half-close', answerSoon] },
  { name: 'one byte, then a reset', protocols: attacked, steps: () => [{ send: '\0' }, 'reset'] },
  ...[1, 2, 3].map(
    (round): Attack => ({
      name: `garbage ${round}`,
      protocols: attacked,
      steps: ({ random }) => [{ send: garbage(random) }, answerSoon],
    }),
  ),
  ...[1, 2].map(
    (round): Attack => ({
      name: `garbage and a reset ${round}`,
      protocols: attacked,
      steps: ({ random }) => [{ send: garbage(random) }, 'reset'],
    }),
  ),
  { name: 'a TLS hello', protocols: attacked, steps: () => [{ send: clientHello }, answerSoon] },
  { name: '64 kB of zeros', protocols: attacked, steps: () => [{ send: Buffer.alloc(65_536) }, answerSoon, 'reset'] },
  {
    name: 'HTTP where none is spoken',
    protocols: ['https', 'grpc', 'kafka', 'smtp'],
    steps: () => [{ send: 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n' }, answerSoon],
  },
]

export const attacks: readonly Attack[] = [
  ...anywhere,
  ...upgradeAttacks,
  ...targetAttacks,
  ...hostAttacks,
  ...headAttacks,
  ...bodyAttacks,
  ...webSocketAttacks,
  ...grpcAttacks,
  ...kafkaAttacks,
  ...smtpAttacks,
]

/** The attacks that suit a listener: its protocol, and what it offers. */
export const attacksOn = (listener: Listener): readonly Attack[] =>
  (listener.protocol === 'https' ? [...attacks, ...insideTls] : attacks).filter(
    (attack) => attack.protocols.includes(listener.protocol) && (attack.suits?.(listener) ?? true),
  )

/** What is sent to HTTP/1.1, and frames of HTTP/2, again where both are behind a handshake. */
const insideTls: readonly Attack[] = attacks.flatMap((attack): Attack[] => {
  const inside = attack.protocols.includes('https')
    ? undefined
    : attack.protocols.includes('http')
      ? 'http/1.1'
      : attack.protocols.includes('grpc')
        ? 'h2'
        : undefined
  return inside === undefined ? [] : [{ ...attack, name: `${attack.name}, in TLS`, protocols: ['https'], inside }]
})
