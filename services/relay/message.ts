/** Stamps and wire forms of the relay message, the same in all three services. Pure. */
import type { RelayMessage } from '@svyaz/contracts/events/relay.ts'

let knownSecond = Number.NaN
let knownPrefix = ''

/** Unix µs as RFC 3339 in UTC with six digits of a second. */
export const formatMicros = (micros: number): string => {
  const second = Math.floor(micros / 1_000_000)
  if (second !== knownSecond) {
    knownPrefix = new Date(second * 1_000).toISOString().slice(0, 20)
    knownSecond = second
  }
  return `${knownPrefix}${String(micros - second * 1_000_000).padStart(6, '0')}Z`
}

/** The inverse of {@link formatMicros}. */
export const parseMicros = (stamp: string): number =>
  Date.parse(`${stamp.slice(0, 23)}Z`) * 1_000 + Number(stamp.slice(23, 26))

/**
 * The next stamp of a message: now, but never before the stamp that it follows, as in a hybrid logical clock. With the
 * clocks of several machines apart a hop then shows as nothing, and never as less.
 */
export const stampAfter = (previous: string | null, micros: number): string => {
  const now = formatMicros(micros)
  // Equal length and form: text order is time order.
  return previous !== null && previous > now ? previous : now
}

/** How many characters of JSON whitespace follow the value: the padding. */
export const paddingOf = (text: string): number => {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === 0x20) end -= 1
  return text.length - end
}

/** The identity of a message in logs, dead letters and `ce_id`. */
export const messageKey = ({ session_id, id }: Pick<RelayMessage, 'session_id' | 'id'>): string => `${session_id}/${id}`
