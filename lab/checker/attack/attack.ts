/** What one attack is. */
import type { Listener, Protocol } from '@svyaz/system/listeners'
import type { Random } from '../random.ts'
import type { Inside, Outcome, Step } from './wire.ts'

export interface Attack {
  readonly name: string
  readonly protocols: readonly Protocol[]
  /** On a listener with TLS: carried out inside of it, for this protocol. */
  readonly inside?: Inside
  /** Only where the listener has what is attacked. */
  readonly suits?: (listener: Listener) => boolean
  readonly steps: (context: AttackContext) => readonly Step[]
  /** What is wrong with the answer, beside what is wrong with any (judge.ts). */
  readonly judge?: (outcome: Outcome) => string | undefined
}

export interface AttackContext {
  readonly listener: Listener
  readonly port: number
  readonly random: Random
  /** An ordinary user's access token, for what lies behind the door. */
  readonly token?: string | undefined
}
