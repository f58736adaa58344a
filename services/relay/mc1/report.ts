/** What the console says when a session starts and when it ends. Pure. */
import type { RelaySession } from '@svyaz/contracts/http/relay.ts'
import { type Hops, hopNames } from './hops.ts'

const hopTitles: Record<(typeof hopNames)[number], string> = {
  mc1ToMc2: 'MC1 → MC2, WebSocket',
  mc2ToMc3: 'MC2 → MC3, Kafka',
  mc3ToMc1: 'MC3 → MC1, HTTP',
  total: 'MC1 → MC1',
}

/** What is written when a session begins. */
export const startLine = (session: RelaySession): string =>
  `Relay session ${session.sessionId} started: ${session.intervalSeconds} s, ${session.inFlight} in flight${session.payloadBytes > 0 ? `, ${session.payloadBytes} bytes of padding` : ''}.`

/** What is written when a session ends. */
export const endLines = (session: RelaySession): string[] => [
  `Relay session ${session.sessionId} ${session.status}: ${session.durationSeconds.toFixed(2)} s, ${session.generated} messages generated, ${session.stored} stored, ${session.messagesPerSecond.toFixed(0)} messages/s.`,
  ...(session.hops === null ? [] : hopLines(session.hops)),
]

const hopLines = (hops: Hops): string[] =>
  hopNames.map(
    (name) => `  ${hopTitles[name].padEnd(20)}  median ${inMs(hops[name].p50)}, 99 % below ${inMs(hops[name].p99)}`,
  )

const inMs = (micros: number): string => `${(micros / 1_000).toFixed(2)} ms`
