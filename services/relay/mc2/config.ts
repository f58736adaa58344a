/** What may be changed at run time (nothing), and the limits of MC2. */
import { relayLimits } from '@svyaz/contracts/events/relay.ts'
import { z } from 'zod'

export const settings = z.object({})

export const limits = {
  /** Messages that wait to be produced: twice what MC1 may have under way. */
  waitingMax: 2 * relayLimits.inFlightMax,
} as const
