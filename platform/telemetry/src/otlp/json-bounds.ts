/**
 * JSON is looked at before it is parsed: three bytes may become an object of sixty, and brackets within brackets are walked
 * by recursion. One pass over the bytes; what is within strings doesn't count. Pure.
 */
import { jsonDepthMax } from '@svyaz/listener'

/** Arrays and objects of one body; a span has about fifteen, so a body of the largest size half of these. */
export const containersMax = 400_000

/** @returns what there is too much of, as the rest of a sentence about the body; undefined when it is fine */
export function excessOf(json: Uint8Array): string | undefined {
  let depth = 0
  let containers = 0
  const { length } = json
  for (let at = 0; at < length; at += 1) {
    const code = json[at] as number
    if (code === 0x22) at = endOfString(json, at + 1)
    // [ and { differ from ] and } by two, and from each other by one bit.
    else if ((code | 0x20) === 0x7b) {
      depth += 1
      containers += 1
      if (depth > jsonDepthMax) return `nests deeper than ${jsonDepthMax} arrays and objects`
      if (containers > containersMax) return `has more than ${containersMax} arrays and objects`
    } else if ((code | 0x20) === 0x7d) depth -= 1
  }
  return undefined
}

/** @param at behind its first quote
 * @returns where its last quote is, or the end */
function endOfString(json: Uint8Array, at: number): number {
  let end = at
  for (; end < json.length && json[end] !== 0x22; end += 1) if (json[end] === 0x5c) end += 1
  return end
}
